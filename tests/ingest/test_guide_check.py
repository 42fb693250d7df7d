"""The bundled guide keeps its own rules, and the check sees what breaks them."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.sources import GUIDES
from kb.errors import SourceError
from kb.guide_check import check_guide
from kb.settings import DecisionSettings

OPTIONS = DecisionSettings().options
PAGE = """+++
title = "Data"

[sources.docs]
title = "Streams"
url = "https://docs.delta.io/delta-streaming/"
read = "2026-11-23"
+++

# Data

## Streaming {#streaming}

### The case for Azure Machine Learning

- Azure Machine Learning scores events behind an endpoint. [^1]

### The case for Azure Databricks

- Azure Databricks reads streams. [^1]

### Bottom line

- Azure Databricks, clearly: it reads streams. [^1]

[^1]: docs | Table as a source | reads a stream
"""


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    (tmp_path / "data.md").write_text(PAGE, "utf-8")
    (tmp_path / "topics").mkdir()
    kinds = {"wanted": 20, "unwanted": 4, "have": 4, "not_yet": 4, "questions": 6, "names": 1}
    lines = [f"{kind} = {[f'{kind} {n}' for n in range(count)]}" for kind, count in kinds.items()]
    topic = 'id = "streaming"\ntitle = "Streaming"\npage = "data.md"\n' + "\n".join(lines)
    (tmp_path / "topics" / "streaming.toml").write_text(topic, "utf-8")
    return tmp_path


def faults(guide: Path, text_of: Callable[[str], str | None] | None = None) -> list[str]:
    found = check_guide(guide, OPTIONS, text_of=text_of).faults
    return [str(fault) for fault in found if "of the topics have" not in fault.problem]


def test_a_good_page_has_no_fault(guide: Path) -> None:
    assert faults(guide, lambda url: "# Table as a source\n Spark reads a stream of it.") == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("reads streams. [^1]\n\n### Bottom", "reads streams.\n\n### Bottom", "line 20: a statement without a basis"),
        ("docs.delta.io/", "example.com/", "not the address of an official source"),
        ("| reads a stream", "| one two three four five six seven eight nine", "1 to 8 words"),
        ("Azure Databricks, clearly:", "Databricks wins:", "a bottom line begins with its choice"),
        ("### Bottom line", "### Verdict", "no part is called 'Verdict'"),
        ('read = "2026-11-23"', 'read = "yesterday"', "read is no ISO date: 'yesterday'"),
        ("scores events", "scores " + "very " * 45 + "many events", "at most 45"),
    ],
)
def test_each_broken_rule_is_named(guide: Path, before: str, after: str, problem: str) -> None:
    assert before in PAGE
    (guide / "data.md").write_text(PAGE.replace(before, after), "utf-8")
    assert any(problem in fault for fault in faults(guide)), faults(guide)


def test_a_phrase_that_its_source_does_not_hold_is_named(guide: Path) -> None:
    assert "no words 'reads a stream'" in faults(guide, lambda url: "Table as a source: it writes.")[0]
    assert "no section 'Table as a source'" in faults(guide, lambda url: "It reads a stream.")[0]


def test_thin_phrasings_and_a_missing_topic_are_named(guide: Path) -> None:
    topic = guide / "topics" / "streaming.toml"
    text = topic.read_text("utf-8")
    topic.write_text(re.sub(r"wanted = \[.*?\]", "wanted = ['x', 'X']", text, count=1), "utf-8")
    assert faults(guide) == ["streaming.toml: wanted has fewer than 20 different phrasings"]
    topic.unlink()
    assert faults(guide) == ["data.md: the topic 'streaming' has no phrasings (topics/streaming.toml)"]


def test_a_folder_without_pages_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no guide in"):
        check_guide(tmp_path, OPTIONS)


@pytest.mark.data
def test_the_bundled_guide_rests_on_what_its_sources_say(test_data: Path, index_lines: list[dict[str, str]]) -> None:
    folder = test_data / "corpus"
    files = {line["url"].rstrip("/"): folder / "docs" / line["path"] for line in index_lines}
    article = folder / "article" / "azure-machine-learning-vs-databricks.txt"
    files["https://azurelessons.com/azure-machine-learning-vs-databricks"] = article

    def text_of(url: str) -> str | None:
        file = files.get(url.rstrip("/"))
        return file.read_text("utf-8", errors="replace") if file else None

    outcome = check_guide(GUIDES / "azure-ml-vs-databricks", OPTIONS, text_of=text_of)
    assert [str(fault) for fault in outcome.faults] == []
    assert outcome.topics >= 40
    assert outcome.phrases_found >= 400
    assert outcome.well_founded >= 0.9
