"""Two hundred questions at once: acknowledged at once, answered once each, and in order within a thread."""

import json
import random
import time
from pathlib import Path
from typing import NamedTuple

from fake_slack import BOT, FakeSlack
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_office import Sample, Script, Texts, office

THREADS, TURNS, RETRIED = 20, 10, 50


class Moment(NamedTuple):
    """By the clock, and by the processor time that this process has had."""

    clock: float
    processor: float


class Acknowledgements:
    """When each envelope came out of the bot's socket, and when its acknowledgement had gone in."""

    def __init__(self, handler: SocketModeHandler) -> None:
        self.came: dict[str, Moment] = {}
        self.went: dict[str, Moment] = {}
        self._send = handler.client.send_message
        handler.client.on_message_listeners.append(lambda message: _note(self.came, message))
        handler.client.send_message = self._sent  # type: ignore[method-assign]

    def p99(self) -> Moment:
        """Seconds in between that 99 in 100 keep under."""
        clock, processor = (sorted(self.went[e][k] - self.came[e][k] for e in self.went) for k in (0, 1))
        at = int(len(self.went) * 0.99)
        return Moment(clock[at], processor[at])

    def _sent(self, message: str) -> None:
        self._send(message)
        _note(self.went, message)


def _note(times: dict[str, Moment], message: str) -> None:
    envelope = json.loads(message).get("envelope_id")
    if envelope is not None:
        times[envelope] = Moment(time.monotonic(), time.process_time())


def _slowdown() -> float:
    """How many times as long as it takes a thing now lasts, because other processes have the processor: 1 at best."""
    clock, processor = time.monotonic(), time.thread_time()
    while time.thread_time() - processor < 0.05:
        pass
    return (time.monotonic() - clock) / 0.05


def test_a_burst_is_answered_once_each_and_in_order_and_acknowledged_at_once(
    slack: FakeSlack, tmp_path: Path, sample: Sample, section_texts: Texts
) -> None:
    script = Script(sample)
    dice = random.Random(7)
    slow = _slowdown()
    with office(slack, tmp_path, script, section_texts) as running:
        assert running.socket is not None
        watched = Acknowledgements(running.socket)
        roots = [slack.ts() for _ in range(THREADS)]
        events = []
        for thread, root in enumerate(roots):
            events.append(slack.message(f"<@{BOT}> hello {thread}.0", channel="CBURST001", ts=root))
            for n in range(1, TURNS):
                said = slack.message(f"hello {thread}.{n}", channel="CBURST001", thread_ts=root, user=f"U{n:08d}")
                events.append(said)
        # Threads side by side, neighbours of a thread now and then the wrong way round.
        events.sort(key=lambda e: (float(e["ts"]) - float(e.get("thread_ts", e["ts"]))) * 1e6 + dice.random() * 1.5)
        envelopes = [slack.event(event, event_id=f"EvBurst{n}") for n, event in enumerate(events)]
        envelopes += [slack.event(event, event_id=f"EvBurst{n}", retry=1) for n, event in enumerate(events[:RETRIED])]
        for envelope in envelopes:
            slack.acked(envelope)
        for root in roots:
            slack.wait(lambda root=root: len(slack.replies(root)) == TURNS, timeout=60)  # type: ignore[misc]
        assert running.bot.lanes.wait(20)
    assert set(watched.went) == set(envelopes)
    slow = max(1.0, slow, _slowdown())
    late = watched.p99()
    print(
        f"acknowledged: p99 {late.clock:.2f} s ({late.processor:.2f} s of it computing) on a machine slowed {slow:.1f}x"
    )
    assert late.clock < 1 * slow
    assert late.processor < 1
    for thread, root in enumerate(roots):
        asked = [q.text for q in script.asked if q.text.startswith(f"hello {thread}.")]
        assert asked == [f"hello {thread}.{n}" for n in range(TURNS)]
        assert len(slack.replies(root)) == TURNS
