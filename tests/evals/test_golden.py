"""The golden format: the sample and the documented example load; a slip is one line with its place."""

import re
from pathlib import Path

import pytest

from evals.golden import GoldenSet, load_golden
from kb.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(__file__).with_name("sample.yaml")


def test_the_sample_says_what_it_says(sample: GoldenSet) -> None:
    first = sample.questions[0]
    assert first.right_choices == ("databricks", "both")
    assert [(gold.section, gold.gain) for gold in first.gold] == [("pages/data#Streaming", 2), ("pages/data#Tables", 1)]
    assert [case.id for case in sample.of_split("test")] == ["s-hidden"]


def test_the_documented_example_loads(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "evals.md").read_text(encoding="utf-8"), re.S)
    assert example
    file = tmp_path / "example.yaml"
    file.write_text(example[1], encoding="utf-8")
    assert [case.kind for case in load_golden(file).questions] == [
        "recommendation",
        "recommendation",
        "unanswerable",
        "conversation",
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "line", "problem"),
    [
        ("    choice: databricks", "    choise: databricks", 11, "did you mean 'choice'"),
        ("near: true", "nearr: true", 50, "did you mean 'near'"),
        ("near: true", "near: true\n    near: true", 51, "'near' stands here twice"),
        ("takes an event stream", "one two three four five six seven eight nine", 16, "1 to 8 words"),
        ("id: s-stream-2", "id: s-stream", 22, "'s-stream' is used twice"),
        ("choice: azure_ml", "choice: azure", 68, "no choice 'azure'"),
        ("applies_to: [azure_ml]", "applies_to: [aml]", 39, "no option 'aml'"),
        ("paraphrase_of: s-stream", "paraphrase_of: s-price", 28, "no question 's-price' in its family"),
        ("family: hidden", "family: stream", 64, "lies in both splits"),
        ("    unanswerable: figure_missing\n", "", 43, "needs a reason"),
        ("accept: [both]", "accept: [databricks]", 5, "lists other choices"),
        ("re:azure machine", "re:(azure machine", 5, "no regular expression"),
        ("version: 1", "version: [", 8, "expected"),
        ('    history: [{role: user, content: "We stream events."}]\n', "", 53, "needs a `history`"),
    ],
)
def test_a_slip_is_one_line_with_its_place(tmp_path: Path, right: str, wrong: str, line: int, problem: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    assert right in text
    file = tmp_path / "slip.yaml"
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_golden(file)
    message = str(caught.value)
    assert problem in message
    assert "\n" not in message
    assert f"slip.yaml, line {line}:" in message


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no golden set .*none\.yaml"):
        load_golden(tmp_path / "none.yaml")
