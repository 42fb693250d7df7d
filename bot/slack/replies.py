"""Puts messages into Slack: streamed into a thread, edited where they stand already, or shown to one person."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import RetryHandler
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient

from bot.slack.blocks import Block, Message
from bot.slack.intake import Request

logger = logging.getLogger(__name__)

RATE_LIMIT_RETRIES = 7
TIMEOUT = 30
ASIDE = "whichway_aside"
"""Metadata of what is posted beside the answers, so that a search for a lost reply passes it over."""

UNFURL: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}
BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
STATUS = "is reading the sources…"
LOADING = ["Finding the passages…", "Weighing both sides…", "Checking the citations…"]

SlackFailure = (SlackApiError, OSError)
"""What a call to Slack raises: refused, or not reached."""


class Reply(Protocol):
    """Where one request is answered."""

    def working(self) -> None:
        """Shows that it is being worked on."""

    def idle(self) -> None:
        """Shows that it is not any more."""

    def show(self, messages: Sequence[Message]) -> None:
        """Shows the answer, in place of what stands there. SlackApiError or OSError where Slack does not take it."""


def web_client(token: str, *, api_url: str | None = None) -> WebClient:
    """A client that waits as long as Slack says.

    Nothing else is repeated by itself: a message whose connection broke may have been posted, and `ThreadReply` looks
    before it posts again.
    """
    return WebClient(token=token, timeout=TIMEOUT, retry_handlers=_patience(), base_url=api_url or WebClient.BASE_URL)


def _patience() -> list[RetryHandler]:
    return [RateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_RETRIES)]


class ThreadReply:
    """A reply in a thread. `posted` are the timestamps of its messages so far; `record` keeps them."""

    def __init__(
        self,
        client: WebClient,
        request: Request,
        *,
        posted: Sequence[str],
        record: Callable[[Sequence[str]], None],
        find_lost: Callable[[], str | None] | None = None,
    ) -> None:
        self._client, self._request, self._record = client, request, record
        self._posted = list(posted)
        self._find_lost = find_lost

    def working(self) -> None:
        """Sets the status; Slack takes it back by itself after two minutes."""
        self._status(STATUS, loading_messages=LOADING)

    def idle(self) -> None:
        """Clears the status, whatever happened."""
        self._status("")

    def show(self, messages: Sequence[Message]) -> None:
        """Streams the first message and posts the others; edits those that stand already."""
        lost = self._find_lost() if self._find_lost and not self._posted else None
        if lost is not None:
            self._add(lost)
        for number, message in enumerate(messages):
            if number < len(self._posted):
                self._edit(self._posted[number], message)
            elif number == 0 and message.text:
                self._stream(message)
            else:
                self._post(message)

    def _stream(self, message: Message) -> None:
        request = self._request
        stream = self._client.chat_stream(
            channel=request.channel,
            thread_ts=request.thread,
            recipient_team_id=request.team,
            recipient_user_id=request.user,
            buffer_size=1,
            **UNFURL,
        )
        try:
            for number, piece in enumerate(message.text):
                stream.append(markdown_text=piece if number == 0 else f"\n\n{piece}")
                if number == 0 and stream.ts:
                    self._add(stream.ts)
            stream.stop(blocks=list(message.blocks))
        except SlackApiError as error:
            logger.info("stream not finished, editing instead", extra={"slack_error": _code(error)})
            if stream.ts:
                self._edit(stream.ts, message)
            else:
                self._post(message)

    def _post(self, message: Message) -> None:
        response = _with_blocks(
            lambda blocks: self._client.chat_postMessage(
                channel=self._request.channel,
                thread_ts=self._request.thread,
                text=message.summary,
                blocks=blocks,
                **UNFURL,
            ),
            message,
        )
        self._add(str(response["ts"]))

    def _edit(self, ts: str, message: Message) -> None:
        channel = self._request.channel
        _with_blocks(
            lambda blocks: self._client.chat_update(channel=channel, ts=ts, text=message.summary, blocks=blocks),
            message,
        )

    def _add(self, ts: str) -> None:
        self._posted.append(ts)
        self._record(self._posted)

    def _status(self, status: str, **more: Any) -> None:
        request = self._request
        try:
            self._client.assistant_threads_setStatus(
                channel_id=request.channel, thread_ts=request.thread, status=status, **more
            )
        except SlackFailure as error:
            logger.info("status not set", extra={"slack_error": _code(error)})


class PrivateReply:
    """A reply that the asker alone sees, through the address that came with a slash command (five uses, 30 minutes)."""

    def __init__(self, response_url: str) -> None:
        self._url = response_url

    def working(self) -> None:
        """The acknowledgement said so."""

    def idle(self) -> None:
        """Nothing to clear."""

    def show(self, messages: Sequence[Message]) -> None:
        """Posts them, at most four."""
        for message in messages[:4]:
            respond(self._url, message)


def respond(url: str, message: Message, *, in_channel: bool = False) -> None:
    """Posts through a response address, to one person or to its conversation. SlackApiError where it is refused."""
    response = WebhookClient(url, timeout=TIMEOUT, retry_handlers=_patience()).send(
        text=message.summary,
        blocks=message.all_blocks,
        response_type="in_channel" if in_channel else "ephemeral",
        replace_original=False,
        **UNFURL,
    )
    if response.status_code != 200:
        # The error type is untyped in the SDK.
        refused = {"error": response.body[:200]}
        raise SlackApiError("the response address refused the message", refused)  # type: ignore[no-untyped-call]


def _with_blocks(send: Callable[[list[Block]], SlackResponse], message: Message) -> SlackResponse:
    """Sends the whole message, or its text alone where Slack does not take the blocks: an answer beats its table."""
    try:
        return send(message.all_blocks)
    except SlackApiError as error:
        if _code(error) not in BAD_BLOCKS or not message.text:
            raise
        logger.error("blocks refused, sending the text alone", extra={"slack_error": _code(error)})
        return send([{"type": "markdown", "text": piece} for piece in message.text])


def is_lasting(error: Exception) -> bool:
    """Whether Slack refused for good (the channel is gone, the scope is missing), so that trying again is no use."""
    if not isinstance(error, SlackApiError):
        return False
    status = getattr(error.response, "status_code", 200)
    return status < 500 and _code(error) not in ("internal_error", "fatal_error", "service_unavailable", "timeout")


def _code(error: Exception) -> str:
    if isinstance(error, SlackApiError):
        return str(error.response.get("error", "refused"))
    return type(error).__name__
