"""Services of upper layers, by name: resolved on use, so that no code here imports upward."""

import importlib
from collections.abc import Callable
from typing import Any

from kb.settings import Settings

SERVICES: dict[str, str] = {
    "official_text": "ingest.official:official_text",
    "outdated_answers": "bot.outdated:notes",
}


def official_text(settings: Settings) -> Callable[[str], str | None]:
    """What fetches the text of a public page by its address: None where it cannot be had."""
    found: Callable[[str], str | None] = _resolved("official_text")(settings)
    return found


def outdated_answers(settings: Settings) -> list[str]:
    """A line for each stored answer that rests on passages which the live index no longer holds as they were."""
    found: list[str] = _resolved("outdated_answers")(settings)
    return found


def _resolved(name: str) -> Any:
    module, _, attribute = SERVICES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
