"""Tells text of a source that speaks to whoever answers, instead of stating something: never weighed, never quoted."""

from collections.abc import Sequence
from functools import lru_cache

from bot.disguises import undisguised
from bot.sentences import sentences
from bot.steering_rules import CHORES, STEERING, found
from bot.telling import LEAST, shipped_teller

_REMEMBERED = 50_000
_told: dict[str, bool] = {}
"""What was found of a text: every answer looks at the same ones."""


def is_steering(text: str) -> bool:
    """Whether a text tells a reader what to answer, or asks for a service. Advice on using a product is neither."""
    return are_steering((text,))[0]


def are_steering(texts: Sequence[str]) -> list[bool]:
    """As `is_steering`, of each text. One sentence is enough."""
    known = {text: told for text in texts if (told := _told.get(text)) is not None}
    fresh = [text for text in dict.fromkeys(texts) if text not in known]
    parts = [[undisguised(part) for part in sentences(text)] for text in fresh]
    chances = iter(shipped_teller().chances([part for each in parts for part in each]))
    for text, each in zip(fresh, parts, strict=True):
        tells = max((next(chances) for _ in each), default=0.0) >= LEAST
        whole = each[0] if len(each) == 1 else undisguised(text)
        known[text] = tells or found(whole, (*STEERING, *CHORES))
    if len(_told) + len(fresh) > _REMEMBERED:
        _told.clear()
    _told.update((text, known[text]) for text in fresh)
    return [known[text] for text in texts]


@lru_cache(maxsize=4096)
def is_steering_label(text: str) -> bool:
    """Whether a title, heading or lead-in steers. It may ask: what stands below it answers."""
    return found(undisguised(text), STEERING)
