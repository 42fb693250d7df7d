"""Services of upper layers, by name: resolved on use, so that no code here imports upward."""

import importlib
from collections.abc import Callable
from typing import Any

from kb.settings import Settings

SERVICES: dict[str, str] = {"official_text": "ingest.official:official_text"}


def official_text(settings: Settings) -> Callable[[str], str | None]:
    """What fetches the text of a public page by its address: None where it cannot be had."""
    found: Callable[[str], str | None] = _resolved("official_text")(settings)
    return found


def _resolved(name: str) -> Any:
    module, _, attribute = SERVICES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
