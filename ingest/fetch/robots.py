"""What a site's robots.txt allows to this agent (RFC 9309)."""

from collections.abc import Callable
from dataclasses import dataclass

_READ = 512_000
"""Bytes of a robots.txt that are read; the rest says nothing."""


@dataclass(frozen=True, slots=True)
class Robots:
    """A site's rules. `delay` is the seconds that it wants between requests, None where it does not say."""

    allows: Callable[[str], bool]
    delay: float | None = None


EVERYTHING = Robots(lambda url: True)
"""The rules of a site that has none."""


def rules_of(data: bytes, agent: str) -> Robots:
    """The rules in the bytes of a robots.txt, for an agent such as `whichway/0.1 (+https://...)`."""
    from protego import Protego

    rules = Protego.parse(data[:_READ].decode("utf-8-sig", "replace"))
    name = agent.partition("/")[0]
    delay = rules.crawl_delay(name)
    rate = rules.request_rate(name)
    if rate and rate.requests:
        delay = max(delay or 0.0, rate.seconds / rate.requests)
    return Robots(lambda url: rules.can_fetch(url, name), delay)
