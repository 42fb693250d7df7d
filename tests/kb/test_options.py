"""Options are found by name and alias, in any case and with letters that only case makes equal."""

import pytest

from kb.options import Mention, OptionFinder
from kb.settings import Settings


@pytest.fixture(scope="module")
def options() -> OptionFinder:
    return OptionFinder(Settings().decision.options)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("azure\u00a0databricks", "databricks"),
        ("AZURE MACHINE LEARNING", "azure_ml"),
        ("AZURE MACH\u0130NE LEARN\u0130NG", "azure_ml"),
        ("Databr\u0131cks", "databricks"),
    ],
)
def test_a_name_is_found_in_any_case(options: OptionFinder, text: str, option: str) -> None:
    assert options.mentions(f"is {text} it?") == (Mention(option, 3, 3 + len(text)),)


def test_a_name_in_a_longer_word_is_none(options: OptionFinder) -> None:
    assert options.mentions("databrickster, non-Databricks") == ()
