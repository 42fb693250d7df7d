"""What was said in a thread before: from the inbox, or once from Slack where the bot comes to a talk under way."""

import logging
from collections.abc import Iterator
from copy import copy
from typing import Any

from slack_sdk import WebClient

from bot.answer import Turn
from bot.slack.inbox import Inbox
from bot.slack.intake import Request, clean
from bot.slack.replies import ASIDE, SlackFailure

logger = logging.getLogger(__name__)

PAGE = 15
"""Messages of one `conversations.replies` call, the most that every kind of app may ask for."""
PAGES = 10
"""Calls for one thread, whose oldest messages come first."""
KEPT = 15
"""Messages that are remembered of a thread read so: its latest before the request."""


def history(request: Request, inbox: Inbox, client: WebClient, *, bot_user: str) -> tuple[Turn, ...]:
    """The conversation before the request, oldest first; asked of Slack only where nothing is remembered."""
    remembered = inbox.history(request.lane, request.ts)
    if remembered or request.thread == request.ts or request.place == "private":
        return remembered
    said: dict[str, Turn] = {}
    for message in _thread(client, request):
        ts, text = str(message.get("ts", "0")), clean(str(message.get("text", "")), bot_user=bot_user)
        if text and float(ts) < float(request.ts):
            role = "assistant" if message.get("user") == bot_user else "user"
            said[ts] = Turn.model_validate({"role": role, "content": text})
    for ts in sorted(said, key=float)[-KEPT:]:
        inbox.add_turns(request.lane, ts, [said[ts]])
    return inbox.history(request.lane, request.ts)


def lost_reply(request: Request, inbox: Inbox, client: WebClient, *, bot_user: str) -> str | None:
    """The timestamp of a reply that was posted but not written down, because the process ended in between."""
    for message in _page(client, request, oldest=request.ts)[0]:
        ts = str(message.get("ts", "0"))
        aside = (message.get("metadata") or {}).get("event_type") == ASIDE
        ours = message.get("user") == bot_user and float(ts) > float(request.ts)
        if ours and not aside and not inbox.is_reply(ts):
            return ts
    return None


def _thread(client: WebClient, request: Request) -> Iterator[dict[str, Any]]:
    """The messages of a thread, oldest first: the first page at any rate, the others as long as Slack lets us."""
    messages, cursor = _page(client, request)
    yield from messages
    # Some apps may ask once a minute: no answer waits for that.
    hasty = copy(client)
    hasty.retry_handlers = []
    for _ in range(PAGES - 1):
        if not cursor:
            return
        messages, cursor = _page(hasty, request, cursor=cursor)
        yield from messages


def _page(client: WebClient, request: Request, **more: Any) -> tuple[list[dict[str, Any]], str]:
    """Messages of a thread, and the cursor of those after them; "": there are no more."""
    try:
        response = client.conversations_replies(
            channel=request.channel, ts=request.thread, limit=PAGE, include_all_metadata=True, **more
        )
    except SlackFailure as error:
        logger.warning("thread not read", extra={"reference": request.reference, "why": type(error).__name__})
        return [], ""
    return list(response.get("messages") or []), str((response.get("response_metadata") or {}).get("next_cursor") or "")
