"""Workers that answer conversations side by side, and each conversation one request at a time, in its order."""

import heapq
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bot.slack.intake import Request

logger = logging.getLogger(__name__)

SETTLE = 0.2
"""Seconds that an idle conversation waits before a follow-up: one said earlier may be delivered later."""

QUIET = 0.03
"""Seconds without a new request before one is begun, so that in a burst acknowledgements come before answers."""

PATIENCE = 1.0
"""Seconds that a request waits for quiet, at most."""


class Lanes:
    """A lane a conversation; `work` is called for one request of it at a time, the earliest said first."""

    def __init__(self, work: Callable[[Request], None], *, workers: int = 4, settle: float = SETTLE) -> None:
        self._work, self._settle = work, settle
        self._waiting: dict[str, list[tuple[float, str, Request]]] = {}
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._added = 0.0
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="slack")

    def add(self, request: Request) -> None:
        """Queues it. Dropped while closing: the inbox has it for the next start."""
        with self._changed:
            if self._closing.is_set():
                return
            self._added = time.monotonic()
            lane = self._waiting.get(request.lane)
            if lane is None:
                self._waiting[request.lane] = lane = []
                self._pool.submit(self._run, request.lane, settle=request.thread != request.ts)
            heapq.heappush(lane, (float(request.ts), request.key, request))

    def wait(self, timeout: float) -> bool:
        """Waits until nothing is queued or worked on; False where that takes longer than `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout)

    def close(self) -> None:
        """Finishes what is being answered and leaves the rest to the inbox."""
        self._closing.set()
        self._pool.shutdown(wait=True)

    def _run(self, name: str, *, settle: bool) -> None:
        if settle:
            self._closing.wait(self._settle)
        while True:
            self._give_way()
            with self._changed:
                lane = self._waiting[name]
                if not lane or self._closing.is_set():
                    del self._waiting[name]
                    self._changed.notify_all()
                    return
                request = heapq.heappop(lane)[2]
            try:
                self._work(request)
            except Exception:  # one request must not end its conversation
                logger.exception("a request failed past every guard", extra={"reference": request.reference})

    def _give_way(self) -> None:
        until = time.monotonic() + PATIENCE
        while (now := time.monotonic()) < min(self._added + QUIET, until):
            self._closing.wait(QUIET - (now - self._added))
