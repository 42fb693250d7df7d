"""Tells text of a source that speaks to whoever answers, instead of stating something: never weighed, never quoted."""

from collections.abc import Sequence
from functools import lru_cache

from bot.disguises import undisguised
from bot.sentences import sentences
from bot.steering_rules import CHORES, STEERING, found
from bot.telling import LEAST, shipped_teller


def is_steering(text: str) -> bool:
    """Whether a text tells a reader what to answer, or asks for a service. Advice on using a product is neither."""
    return are_steering((text,))[0]


def are_steering(texts: Sequence[str]) -> list[bool]:
    """As `is_steering`, of each text. One sentence is enough."""
    parts = [sentences(text) for text in texts]
    chances = iter(shipped_teller().chances([undisguised(part) for each in parts for part in each]))
    told = [max((next(chances) for _ in each), default=0.0) >= LEAST for each in parts]
    return [tells or found(undisguised(text), (*STEERING, *CHORES)) for tells, text in zip(told, texts, strict=True)]


@lru_cache(maxsize=4096)
def is_steering_label(text: str) -> bool:
    """Whether a title, heading or lead-in steers. It may ask: what stands below it answers."""
    return found(undisguised(text), STEERING)
