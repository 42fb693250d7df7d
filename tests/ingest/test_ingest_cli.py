"""`whichway ingest` and `whichway sources` as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Done, whichway

Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, home: Path) -> Run:
    """A command in a folder with a handbook of four files, of which one is empty and one says what another does."""
    handbook = tmp_path / "handbook"
    handbook.mkdir()
    page = "# Streams\n\nAzure Databricks reads event streams as they come, and needs no other service for it.\n"
    (handbook / "streams.md").write_text(page, "utf-8")
    (handbook / "streams-copy.md").write_text(page, "utf-8")
    (handbook / "costs.md").write_text("# Costs\n\nAzure Machine Learning bills for machines by use.\n", "utf-8")
    (handbook / "empty.md").write_text("", "utf-8")
    (tmp_path / "note.md").write_text("# Note\n\nDatabricks notebooks mix languages.\n", "utf-8")
    config = tmp_path / "whichway.toml"
    config.write_text('[[source]]\npath = "handbook"\n[embedding]\nmodel = "hashed"\n', "utf-8")
    return lambda *args: whichway("--config", config, "--home", home, *args)


def test_what_is_in_how_old_it_is_and_what_was_left_out_and_why(run: Run) -> None:
    assert run("ingest").code == 0
    lines = run("sources").out.splitlines()
    assert lines[0].split() == ["title", "address", "published", "fetched", "sections", "chunks", "state"]
    told = [line.split() for line in lines[1:3]]
    assert [(row[0], row[1], row[2], *row[4:]) for row in told] == [
        ("Costs", "whichway://source/handbook/costs.md", "-", "1", "1", "current"),
        ("Streams", "whichway://source/handbook/streams-copy.md", "-", "1", "1", "current"),
    ]
    assert "handbook/empty.md: empty" in lines
    copy = "handbook/streams.md: nearly the same text as handbook/streams-copy.md, which is cited instead"
    assert copy in lines
    evidence = lines.index(next(line for line in lines if line.startswith("evidence by topic")))
    assert lines[evidence].split()[3:] == ["Azure", "Machine", "Learning", "Azure", "Databricks"]
    assert lines[evidence + 1].split() == ["(no", "topic)", "1", "1"]
    told_as_data = json.loads(run("sources", "--json").out)
    assert [document["title"] for document in told_as_data["documents"]] == ["Costs", "Streams"]
    assert {left["source"] for left in told_as_data["left_out"]} == {"handbook/empty.md", "handbook/streams.md"}
    assert told_as_data["evidence"] == {"": {"azure_ml": 1, "databricks": 1}}
    assert lines[-1] == f"Index {told_as_data['snapshot']}, 2 documents."


def test_other_sources_are_added_or_replaced_as_asked_and_a_step_back_is_a_step_back(run: Run, home: Path) -> None:
    def titles() -> list[str]:
        return [document["title"] for document in json.loads(run("sources", "--json").out)["documents"]]

    run("ingest")
    refused = run("ingest", "note.md")
    assert refused.code == 2
    assert refused.complaint.endswith("give --add to keep them or --replace to let them go")
    before = (home / "CURRENT").read_text()
    dry = run("ingest", "note.md", "--replace", "--dry-run")
    assert dry.out.splitlines()[-4:] == [
        "added: note.md",
        "removed: handbook/costs.md",
        "removed: handbook/streams-copy.md",
        "Nothing was written.",
    ]
    assert (home / "CURRENT").read_text() == before
    assert run("ingest", "note.md", "--add").code == 0
    assert sorted(titles()) == ["Costs", "Note", "Streams"]
    assert run("ingest", "note.md", "--replace").code == 0
    assert titles() == ["Note"]
    assert run("ingest", "--rollback").out.endswith(" again.\n")
    assert sorted(titles()) == ["Costs", "Note", "Streams"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nothing.md"], 1, "no file or folder 'nothing.md'"),
        (["nothing/*.md"], 1, "no file in 'nothing/*.md'"),
        (["handbook/empty.md"], 1, "handbook/empty.md: empty"),
        (["note.md", "--add", "--replace"], 2, "exclude each other"),
        (["--rollback"], 1, "no snapshot before this one"),
        (["note.md", "--rollback"], 2, "--rollback goes back"),
        (["http://docs.example.com/"], 1, "only https:// is fetched"),
        (["--reading-list", "--offline"], 1, "leave --offline out once to fetch it"),
    ],
)
def test_what_cannot_be_done_is_one_line(run: Run, arguments: list[str], code: int, words: str) -> None:
    done = run("ingest", *arguments)
    assert done.code == code
    assert words in done.complaint


@pytest.mark.data
def test_a_documentation_checkout_is_cited_where_it_is_published(run: Run, test_data: Path) -> None:
    checkout = test_data / "corpus" / "docs" / "unitycatalog__unitycatalog" / "docs" / "usage"
    assert run("ingest", checkout).code == 0
    urls = {document["url"] for document in json.loads(run("sources", "--json").out)["documents"]}
    assert "https://docs.unitycatalog.io/usage/volumes/" in urls
    assert all(url.startswith("https://docs.unitycatalog.io/usage/") for url in urls)
