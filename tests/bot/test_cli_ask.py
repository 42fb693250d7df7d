"""The commands on an index: what they print, and one clear line with the right exit code for whatever is wrong."""

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from asked_bases import Base
from command_line import Done, whichway

from bot.answer import Answer
from evals.bases import share
from kb.embedders import Embedder

HANDBOOK = """# Platform handbook

## Streaming

Azure Databricks is the best choice for streaming data, because Structured Streaming reads every event as it arrives.
Azure Machine Learning has no stream processing of its own.

## Serving models

Use Azure Machine Learning when a model has to be served with blue-green deployments behind a managed endpoint.
Azure Databricks serves models from its registry.
"""
STREAMING = "Which platform should I use for streaming data?"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, encoder_home: Path, bundled_embedder: Embedder) -> Path:
    """A folder with a configuration, a handbook and its index, made once by `whichway ingest`."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "handbook.md").write_text(HANDBOOK, encoding="utf-8")
    (folder / "whichway.toml").write_text(
        '[[source]]\npath = "handbook.md"\nbase_url = "https://handbook.example.com/platforms"\n', encoding="utf-8"
    )
    (folder / ".whichway").mkdir()
    share(encoder_home, folder / ".whichway")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("WHICHWAY_HOME", raising=False)
        done = whichway("ingest")
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def team(made: Path, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, of this test alone, which is the working folder."""
    folder = tmp_path / "team"
    shutil.copytree(made, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def guide(guide_base: Base, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of the bundled guide, in a home that the environment names; nothing in it is changed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WHICHWAY_HOME", str(guide_base.settings.home))


def still_answers() -> bool:
    """Whether the index of the team shows its passage on streaming."""
    return "Structured Streaming reads every event as it arrives" in whichway("ask", "--json", STREAMING).out


def answered(done: Done) -> Answer:
    assert done.code == 0, done.err
    return Answer.model_validate_json(done.out)


def test_ask_prints_the_verdict_and_its_sources(guide: None) -> None:
    done = whichway("ask", STREAMING)
    assert done.code == 0, done.err
    assert done.out.startswith("Use Azure Databricks\n")
    assert "[1] Data engineering › Streaming" in done.out
    assert "whichway guide, based on" in done.out


def test_ask_json_is_the_answer(guide: None) -> None:
    answer = answered(whichway("ask", "--json", STREAMING))
    assert answer.verdict is not None
    assert answer.verdict.choice == "databricks"
    assert answer.made_by.mode == "extractive"
    assert answer.citations[0].section[0] == "Streaming"


def test_a_citation_quotes_the_handbook_and_opens_its_address(team: Path) -> None:
    answer = answered(whichway("ask", "--json", STREAMING))
    assert answer.citations
    for citation in answer.citations:
        assert citation.quote in HANDBOOK
        assert citation.url.startswith("https://handbook.example.com/platforms/")


def test_ask_reads_the_question_from_standard_input(team: Path) -> None:
    answer = answered(whichway("ask", "--json", "-", stdin=STREAMING))
    assert answer.question == STREAMING


def test_ask_goes_on_from_a_history(guide: None, tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text(
        json.dumps(
            [{"role": "user", "content": STREAMING}, {"role": "assistant", "content": "Use Azure Databricks. [1]"}]
        ),
        encoding="utf-8",
    )
    answer = answered(whichway("ask", "--json", "--history", "history.json", "and for blue-green rollout of models?"))
    assert answer.question == "and for blue-green rollout of models?"
    assert answer.verdict is not None
    assert answer.verdict.choice == "azure_ml"


@pytest.mark.parametrize("question", ["", "   \n"])
def test_no_question_is_wrong_usage(team: Path, question: str) -> None:
    done = whichway("ask", question)
    assert done.code == 2
    assert 'whichway ask "' in done.complaint


def test_a_question_of_50000_characters_is_refused_not_cut(team: Path) -> None:
    done = whichway("ask", "-", stdin="streaming " * 5000)
    assert done.code == 2
    assert "4,000" in done.complaint or "4000" in done.complaint


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        (b"\xff\xfe\x00", "is no history"),
        (b"", "is no history"),
        (b'{"role": "user"}', "is no history"),
        (b'[{"role": "wizard", "content": "x"}]', "role"),
    ],
)
def test_a_history_that_is_none_is_named(team: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (team / "history.json").write_bytes(content)
    done = whichway("ask", "--history", "history.json", STREAMING)
    assert done.code == 2
    assert "'history.json'" in done.complaint
    assert says in done.complaint


def test_jsonl_answers_in_order_and_puts_an_error_in_the_place_of_a_bad_line(team: Path) -> None:
    lines = [
        json.dumps({"id": "q1", "question": STREAMING}),
        "{not json",
        '["a", "list"]',
        json.dumps({"id": 4, "quesion": "x"}),
        json.dumps({"id": 5, "question": ""}),
        "",
        json.dumps({"id": 6, "question": "x", "history": [{"role": "wizard", "content": "x"}]}),
        json.dumps({"id": 7, "question": "Which platform serves models with blue-green deployments?", "history": []}),
    ]
    done = whichway("ask", "--jsonl", stdin="\n".join(lines))
    assert done.code == 1
    first, *errors, last = [json.loads(line) for line in done.out.splitlines()]
    assert Answer.model_validate(first).request_id == "q1"
    assert Answer.model_validate(last).request_id == "7"
    assert [error["request_id"] for error in errors] == [None, None, 4, 5, 6]
    assert [error["error"].partition(":")[0] for error in errors] == [f"line {n}" for n in (2, 3, 4, 5, 7)]
    assert "unknown key 'quesion'; known: id, question, history" in errors[2]["error"]


def test_jsonl_without_a_bad_line_ends_well(team: Path) -> None:
    done = whichway("ask", "--jsonl", stdin=json.dumps({"id": "a", "question": STREAMING}) + "\n")
    assert done.code == 0
    assert answered(done).request_id == "a"
    assert whichway("ask", "--jsonl", "a question too").code == 2


def test_jsonl_that_is_no_text_is_a_line_not_a_traceback(team: Path) -> None:
    good = json.dumps({"id": "a", "question": STREAMING}).encode()
    done = whichway("ask", "--jsonl", stdin=b"\xff\xfe\n" + good + b"\n")
    assert done.code == 1
    bad, answer = [json.loads(line) for line in done.out.splitlines()]
    assert "line 1" in bad["error"]
    assert answer["request_id"] == "a"


def test_chat_is_a_conversation_that_an_empty_line_ends(guide: None) -> None:
    done = whichway("chat", stdin=f"{STREAMING}\nand for blue-green rollout of models?\n\nnever read\n")
    assert done.code == 0, done.err
    assert done.out.index("Use Azure Databricks") < done.out.index("Use Azure Machine Learning")
    assert whichway("chat", stdin="").code == 0


def test_without_an_index_the_command_that_makes_one_is_named(home: Path, tmp_path: Path) -> None:
    for command in (["ask", "x"], ["sources"], ["chat"], ["mcp"]):
        done = whichway("--home", home, *command)
        assert done.code == 1
        assert done.complaint.endswith("whichway ingest")


def test_an_index_of_another_model_is_refused_with_the_command_that_rebuilds_it(
    team: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHICHWAY_EMBEDDING_MODEL", "hashed")
    done = whichway("ask", STREAMING)
    assert done.code == 2
    assert "whichway ingest" in done.complaint
    monkeypatch.delenv("WHICHWAY_EMBEDDING_MODEL")
    assert whichway("ask", STREAMING).code == 0


def test_a_damaged_file_is_named_and_a_new_ingest_mends_it(team: Path) -> None:
    [snapshot] = [path for path in (team / ".whichway" / "snapshots").iterdir() if path.is_dir()]
    damaged = next(path for path in sorted(snapshot.rglob("*")) if path.name.startswith("chunks"))
    damaged.write_bytes(damaged.read_bytes()[:-20])
    done = whichway("ask", STREAMING)
    assert done.code == 1
    assert damaged.name in done.complaint
    assert "whichway ingest" in done.complaint
    assert whichway("ingest").code == 0
    assert still_answers()


def test_a_home_that_is_no_folder_is_named(team: Path) -> None:
    (team / "file").write_text("", encoding="utf-8")
    done = whichway("--home", team / "file", "ingest")
    assert done.code == 1
    assert str(team / "file") in done.complaint
    assert done.complaint.endswith("name another one with --home")


def test_a_port_in_use_is_one_line(team: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = whichway("serve", "--port", port)
    assert done.code == 1
    assert str(port) in done.complaint


@pytest.mark.parametrize(
    ("name", "content"),
    [("missing.md", None), ("empty.md", b""), ("binary.md", b"\x00\x01\x02\xff" * 300), ("odd.xyz", b"text")],
)
def test_a_source_that_cannot_be_read_is_named_and_the_index_stays(
    team: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (team / name).write_bytes(content)
    done = whichway("ingest", name, "--add")
    assert done.code == 1
    assert name in done.out + done.err
    assert "Traceback" not in done.err
    assert still_answers()


def test_a_source_with_no_headings_is_read_as_one_section(team: Path) -> None:
    (team / "note.txt").write_text("Azure Machine Learning is the better choice for a data drift monitor.", "utf-8")
    assert whichway("ingest", "note.txt", "--add").code == 0
    listed = json.loads(whichway("sources", "--json").out)
    [note] = [document for document in listed["documents"] if document["source"].endswith("note.txt")]
    assert note["sections"] == 1


def test_other_sources_are_not_dropped_unasked(team: Path) -> None:
    (team / "note.txt").write_text("Azure Machine Learning is the better choice for a data drift monitor.", "utf-8")
    done = whichway("ingest", "note.txt")
    assert done.code == 2
    assert "--replace" in done.err
    assert "handbook" in done.out + done.err
    assert still_answers()
    assert whichway("ingest", "note.txt", "--replace").code == 0
    assert [d["source"] for d in json.loads(whichway("sources", "--json").out)["documents"]] == ["note.txt"]
    assert whichway("ingest", "--rollback").code == 0
    assert still_answers()


def test_doctor_says_that_nothing_leaves_the_machine_and_names_the_index(team: Path) -> None:
    done = whichway("doctor", "--json")
    assert done.code == 0, done.out
    found = {finding["subject"]: finding for finding in json.loads(done.out)}
    assert found["leaves the machine"]["text"] == "nothing"
    assert not {"chat model", "stored answer"} & set(found)
    assert "1 document, 2 sections" in found["index"]["text"].replace("1 documents", "1 document")


def test_doctor_names_the_command_that_makes_the_first_index(home: Path) -> None:
    done = whichway("--home", home, "doctor")
    assert done.code == 0
    assert "mend it with: whichway ingest" in done.out


def test_doctor_exits_1_where_something_is_broken(team: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHICHWAY_EMBEDDING_MODEL", "hashed")
    done = whichway("doctor")
    assert done.code == 1
    assert "BROKEN index" in done.out
    assert "mend it with: whichway ingest" in done.out


def test_doctor_says_that_an_encoder_of_the_hub_is_fetched(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHICHWAY_EMBEDDING_MODEL", "sentence-transformers/all-mpnet-base-v2")
    done = whichway("--home", home, "doctor")
    assert "leaves the machine: the encoder sentence-transformers/all-mpnet-base-v2 is fetched" in done.out


def test_doctor_says_what_a_chat_model_and_tracing_send_where(team: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WHICHWAY_MODEL_NAME", "openai:gpt-4.1")
    monkeypatch.setenv("LANGCHAIN_TRACING_V2", "true")
    done = whichway("doctor")
    assert done.code == 1
    assert "BROKEN chat model: openai:gpt-4.1 needs OPENAI_API_KEY" in done.out
    assert "leaves the machine: chat model: the question, its needs and the cited passages go to openai" in done.out
    assert "leaves the machine: LangSmith tracing: on (LANGCHAIN_TRACING_V2)" in done.out
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-secret")
    done = whichway("doctor")
    assert done.code == 0
    assert "chat model: openai:gpt-4.1, 0 of 2,000,000 tokens spent today" in done.out
    assert "sk-test-secret" not in done.out
    monkeypatch.setenv("WHICHWAY_MODEL_NAME", "gpt-4.1")
    done = whichway("doctor")
    assert done.code == 1
    assert "write it as provider:model" in done.out


def test_doctor_names_the_answers_that_rest_on_what_has_changed(team: Path) -> None:
    given = answered(whichway("ask", "--json", STREAMING))
    assert "stored answer" not in whichway("doctor").out
    page = team / "handbook.md"
    page.write_text(page.read_text("utf-8").replace("reads every event", "reads each event"), "utf-8")
    assert whichway("ingest").code == 0
    done = whichway("doctor")
    assert done.code == 0
    assert f"stored answer: {given.id}" in done.out
    assert "its text has changed" in done.out
    assert "mend it with: ask it again" in done.out


def test_a_handbook_that_takes_a_side_decides(team: Path) -> None:
    given = answered(whichway("ask", "--json", STREAMING))
    assert (given.kind, given.verdict.choice) == ("recommendation", "databricks")
    assert given.citations[0].quote.startswith("Azure Databricks is the best choice for streaming data")


def test_a_single_question_is_answered_without_what_takes_longer_to_load(team: Path) -> None:
    code = (
        "import sys\n"
        "from kb.cli import main\n"
        f"sys.argv = ['whichway', 'ask', '--json', {STREAMING!r}]\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    heavy = ('torch', 'transformers', 'gradio', 'chromadb', 'langchain_core')\n"
        "    print([name for name in heavy if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=team)
    assert Answer.model_validate_json(done.stdout).verdict.choice == "databricks"
    assert done.stderr.splitlines()[-1] == "[]"
