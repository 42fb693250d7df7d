"""Which documents are about the choice itself."""

import pytest

from kb.head_to_head import is_head_to_head
from kb.options import OptionFinder
from kb.records import Document
from kb.settings import Settings


@pytest.fixture(scope="module")
def options() -> OptionFinder:
    return OptionFinder(Settings().decision.options)


def document(title: str, standing: str) -> Document:
    return Document(
        id="d",
        source_id="s",
        origin="tests",
        title=title,
        url="https://example.org/d",
        text="",
        standing=standing,  # type: ignore[arg-type]
        published=None,
        fetched="2026-11-23",
    )


@pytest.mark.parametrize(
    ("title", "standing", "expected"),
    [
        ("Azure Machine Learning vs Databricks", "comparison", True),
        ("Databricks or Azure ML: how to choose", "comparison", True),
        ("Comparing Azure Databricks and Azure Machine Learning", "comparison", True),
        ("Anything", "guide", True),
        ("Azure Machine Learning vs Databricks", "reference", False),
        ("Track Azure Databricks experiments with MLflow and Azure Machine Learning", "comparison", False),
        ("Azure Machine Learning decision guide", "comparison", False),
        ("Orchestrate Databricks and Azure ML", "comparison", False),
    ],
)
def test_a_title_sets_both_options_against_each_other(
    options: OptionFinder, title: str, standing: str, expected: bool
) -> None:
    assert is_head_to_head(document(title, standing), options) is expected
