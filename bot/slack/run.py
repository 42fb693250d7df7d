"""`whichway slack`: the bot as a process."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from bot.desk import Desk
from kb.errors import LockedError, UsageError
from kb.settings import Settings

if TYPE_CHECKING:
    from bot.slack.app import Bot

logger = logging.getLogger(__name__)

WHERE = {
    "SLACK_BOT_TOKEN": "the Bot User OAuth Token (xoxb-...) under Install App",
    "SLACK_APP_TOKEN": "an app-level token (xapp-...) with connections:write under Basic Information",
    "SLACK_SIGNING_SECRET": "the Signing Secret under Basic Information",
}


def read_tokens(settings: Settings, *, http: bool = False, environ: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The bot's token, and the app-level token or, over HTTP, the signing secret. UsageError where one is not set."""
    http = http or settings.slack.mode == "http"
    names = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET" if http else "SLACK_APP_TOKEN")
    bot_token, other = (_secret(name, environ) for name in names)
    return bot_token, other


def run_slack(
    desk: Desk,
    *,
    http: bool = False,
    environ: Mapping[str, str] | None = None,
    api_url: str | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Runs the bot until it is interrupted or `stop` is set.

    `http` listens for signed requests in place of Socket Mode; so does `[slack] mode = "http"`. `api_url` is where
    Slack's Web API is, for GovSlack. UsageError: a token is missing or not taken; LockedError: another process runs
    this home's bot.
    """
    environ = os.environ if environ is None else environ
    http = http or desk.settings.slack.mode == "http"
    bot_token, other = read_tokens(desk.settings, http=http, environ=environ)
    # Bolt would read them again and warn; a child process has no use for them.
    for name in WHERE:
        os.environ.pop(name, None)
    if environ.get("SLACK_CLIENT_ID") and environ.get("SLACK_CLIENT_SECRET"):
        raise UsageError("unset SLACK_CLIENT_ID and SLACK_CLIENT_SECRET: Bolt would ask for an OAuth installation")
    stop = stop or _until_signalled()
    with _alone(desk), _bot(desk, bot_token, api_url, signing_secret=other if http else "") as bot:
        from bot.slack.transport import http_app, serve_http, socket_mode

        left = bot.resume()
        logger.info("slack bot runs", extra={"mode": "http" if http else "socket", "resumed": left})
        if http:
            slack = desk.settings.slack
            serve_http(http_app(bot.app, other), host=slack.host, port=slack.port, stop=stop)
        else:
            with socket_mode(bot.app, other):
                stop.wait()


@contextlib.contextmanager
def _bot(desk: Desk, token: str, api_url: str | None, *, signing_secret: str) -> "Iterator[Bot]":
    from bot.slack.app import build_bot
    from bot.slack.inbox import Inbox
    from bot.slack.replies import web_client

    inbox = Inbox(desk.settings.home / "slack.sqlite3")
    try:
        inbox.forget_old()
        bot = build_bot(desk, web_client(token, api_url=api_url), inbox=inbox, signing_secret=signing_secret)
    except BaseException:
        inbox.close()
        raise
    try:
        yield bot
    finally:
        bot.close()


@contextlib.contextmanager
def _alone(desk: Desk) -> Iterator[None]:
    path = desk.settings.home / "slack.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LockedError(
            f"another process runs the Slack bot of {desk.settings.home}; stop it, or give this one its own --home"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _secret(name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise UsageError(f"{name} is not set; it is {WHERE[name]} of your Slack app (see docs/slack.md)")
    return value


def _until_signalled() -> threading.Event:
    stop = threading.Event()

    def end(*_: Any) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    return stop
