"""What an event asks: a request for an answer, or nothing to us."""

import hashlib
import html
import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Literal

Place = Literal["channel", "direct", "private"]
"""In a channel's thread, in a direct message, or shown to the asker alone (a slash command)."""

Kind = Literal["question", "stop", "limited"]

_SPOKEN = (None, "file_share", "thread_broadcast")
_USER = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_REFERENCE = re.compile(r"<([#!])([^|>]*)(?:\|([^>]*))?>")
_LINK = re.compile(r"<((?:https?|mailto):[^|>]+)(?:\|([^>]*))?>")
_STOP = re.compile(
    r"(?:ok(?:ay)?[, ]+)?(?:please[, ]+)?(?:stop(?: it| now| (?:answering|listening|following|replying))?|(?:be )?quiet"
    r"|mute|unfollow|enough|go away|leave(?: us)?(?: alone)?|that(?:['’]s| is) all)"
    r"(?: (?:in )?(?:here|this thread))?(?:[, ]+(?:please|thanks|thank you))?[\s.!]*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to answer. `key` is what it is counted by: an event that comes twice has the same.

    `ts` orders the requests of a thread. `addressed`: it names us or is a direct message, so it opens the thread to
    follow-ups; else it counts only in a thread that is open. `quoted`: the reply begins with the question, since no
    message shows it. `notice` is what is said instead of an answer to a request over the limit.
    """

    key: str
    channel: str
    thread: str
    ts: str
    user: str
    team: str
    text: str
    place: Place
    kind: Kind = "question"
    addressed: bool = True
    quoted: bool = False
    response_url: str | None = None
    notice: str = ""

    @property
    def lane(self) -> str:
        """The conversation that it belongs to: answered one at a time, in order."""
        return f"{self.channel}:{self.thread}"

    @property
    def reference(self) -> str:
        """What an error message shows and the log carries: the same at every attempt."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:8]

    def dumps(self) -> str:
        """As JSON, for the inbox."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> "Request":
        """From the inbox."""
        return cls(**json.loads(text))


def read_event(event: Mapping[str, Any], *, bot_user: str, team: str) -> Request | None:
    """The request in a `message` or `app_mention` event; None for edits, joins, bots, our own words and silence."""
    user, ts, channel = event.get("user"), event.get("ts"), event.get("channel")
    if event.get("subtype") not in _SPOKEN or event.get("bot_id") or event.get("edited") or event.get("hidden"):
        return None
    if not (isinstance(user, str) and isinstance(ts, str) and isinstance(channel, str)):
        return None
    if user in (bot_user, "USLACKBOT"):
        return None
    raw = event.get("text")
    named = _USER.findall(raw) if isinstance(raw, str) else []
    text = clean(raw, bot_user=bot_user) if isinstance(raw, str) else ""
    if not text:
        return None
    direct = event.get("channel_type") == "im" or channel.startswith("D")
    addressed = direct or bot_user in named or event.get("type") == "app_mention"
    thread = event.get("thread_ts")
    if not addressed and (not isinstance(thread, str) or thread == ts or named):
        return None
    return Request(
        key=f"{channel}:{ts}",
        channel=channel,
        thread=thread if isinstance(thread, str) else ts,
        ts=ts,
        user=user,
        team=team,
        text=text,
        place="direct" if direct else "channel",
        kind="stop" if _STOP.fullmatch(text) else "question",
        addressed=addressed,
    )


def clean(text: str, *, bot_user: str) -> str:
    """What was typed: our name, Slack's link and mention syntax and its escapes taken out."""
    text = _USER.sub(lambda m: "" if m[1] == bot_user else "@someone", text)
    text = _LINK.sub(lambda m: m[2] or m[1].removeprefix("mailto:"), text)
    text = _REFERENCE.sub(lambda m: m[3] or m[2].partition("^")[0], text)
    return " ".join(html.unescape(text).split()).strip(" ,:")


class Parking:
    """Follow-ups that overtook the mention which opens their thread, kept in memory for some seconds."""

    def __init__(self, *, seconds: float = 10.0, room: int = 500) -> None:
        self._seconds, self._room = seconds, room
        self._held: dict[str, tuple[float, Request, str | None]] = {}
        self._lock = Lock()

    def hold(self, request: Request, event_id: str | None) -> None:
        """Keeps it; the oldest goes where there is no more room."""
        with self._lock:
            now = time.monotonic()
            self._held = {key: held for key, held in self._held.items() if held[0] > now}
            while len(self._held) >= self._room:
                self._held.pop(next(iter(self._held)))
            self._held[request.key] = (now + self._seconds, request, event_id)

    def release(self, lane: str) -> list[tuple[Request, str | None]]:
        """What waits for this conversation, oldest first."""
        with self._lock:
            now = time.monotonic()
            held = [item for item in self._held.values() if item[1].lane == lane]
            for _, request, _ in held:
                del self._held[request.key]
        waiting = [(request, event_id) for until, request, event_id in held if until > now]
        return sorted(waiting, key=lambda item: float(item[0].ts))
