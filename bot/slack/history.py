"""What was said in a thread before: from the inbox, or once from Slack where the bot comes to a talk under way."""

import logging
from typing import Any

from slack_sdk import WebClient

from bot.answer import Turn
from bot.slack.inbox import Inbox
from bot.slack.intake import Request, clean
from bot.slack.replies import ASIDE, SlackFailure

logger = logging.getLogger(__name__)

PAGE = 15
"""Messages of one `conversations.replies` call, the most that every kind of app may ask for."""


def history(request: Request, inbox: Inbox, client: WebClient, *, bot_user: str) -> tuple[Turn, ...]:
    """The conversation before the request, oldest first; asked of Slack only where nothing is remembered."""
    remembered = inbox.history(request.lane, request.ts)
    if remembered or request.thread == request.ts or request.place == "private":
        return remembered
    for message in _replies(client, request):
        ts, text = str(message.get("ts", "0")), clean(str(message.get("text", "")), bot_user=bot_user)
        if text and float(ts) < float(request.ts):
            role = "assistant" if message.get("user") == bot_user else "user"
            inbox.add_turns(request.lane, ts, [Turn.model_validate({"role": role, "content": text})])
    return inbox.history(request.lane, request.ts)


def lost_reply(request: Request, inbox: Inbox, client: WebClient, *, bot_user: str) -> str | None:
    """The timestamp of a reply that was posted but not written down, because the process ended in between."""
    for message in _replies(client, request, oldest=request.ts):
        ts = str(message.get("ts", "0"))
        aside = (message.get("metadata") or {}).get("event_type") == ASIDE
        ours = message.get("user") == bot_user and float(ts) > float(request.ts)
        if ours and not aside and not inbox.is_reply(ts):
            return ts
    return None


def _replies(client: WebClient, request: Request, **more: Any) -> list[dict[str, Any]]:
    try:
        response = client.conversations_replies(
            channel=request.channel, ts=request.thread, limit=PAGE, include_all_metadata=True, **more
        )
    except SlackFailure as error:
        logger.warning("thread not read", extra={"reference": request.reference, "why": type(error).__name__})
        return []
    return list(response.get("messages") or [])
