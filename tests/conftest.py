"""What every test can use: the test data, a home of its own, a small corpus, and no network but loopback."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kb.records import Chunk, Corpus, Document, Section, Statement

ROOT = Path(__file__).resolve().parents[1]
LOOPBACK = "127.0.0.0/8,::1,localhost"

CorpusBuilder = Callable[..., Corpus]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="also run the tests marked slow")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Before pytest-socket reads its options: its defaults would let every host through.
    config.option.allow_hosts = config.option.allow_hosts or LOOPBACK
    config.option.allow_unix_socket = True
    os.environ.setdefault("HF_HUB_OFFLINE", "1")


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    if config.getoption("--run-slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: give --run-slow"))


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of test data: WHICHWAY_TEST_DATA, else ../shared. Skips without it; under CI that is an error."""
    folder = Path(os.environ.get("WHICHWAY_TEST_DATA") or ROOT.parent / "shared")
    if not folder.is_dir():
        reason = f"no test data in {folder}; name its folder in WHICHWAY_TEST_DATA"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder; nothing of the surrounding configuration reaches the test."""
    for name in [name for name in os.environ if name.startswith("WHICHWAY_") and name != "WHICHWAY_TEST_DATA"]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def make_corpus() -> CorpusBuilder:
    """Builds a Corpus by hand: `make_corpus({"Title": {"Heading": ["A statement.", ...]}}, standing="guide")`.

    One section a heading, one chunk a section, one statement a string; a statement that names one platform has
    that stance.
    """
    return build_corpus


def build_corpus(
    pages: dict[str, dict[str, list[str]]], *, standing: str = "comparison", standings: dict[str, str] | None = None
) -> Corpus:
    """See `make_corpus`. `standings` gives single pages, by title, another standing."""
    documents, sections, chunks, statements = [], [], [], []
    for title, page in pages.items():
        document_id = _id(title)
        text = ""
        for ordinal, (heading, sentences) in enumerate(page.items()):
            section_id, chunk_id = _id(title, heading), _id(title, heading, "chunk")
            start = len(text)
            for sentence in sentences:
                begin = len(text)
                text += sentence
                stance = _stance(sentence)
                statements.append(
                    Statement(
                        id=_id(title, heading, sentence, str(begin)),
                        chunk_id=chunk_id,
                        section_id=section_id,
                        document_id=document_id,
                        start=begin,
                        end=len(text),
                        kind="sentence",
                        text=sentence,
                        stance=stance,
                        options=(stance,) if stance else (),
                        strength=0.5,
                        context=heading,
                    )
                )
                text += "\n"
            end = len(text) - 1 if sentences else len(text)
            address = f"https://example.org/{document_id}#{ordinal}"
            sections.append(Section(section_id, document_id, (heading,), str(ordinal), address, start, end, ordinal))
            if sentences:
                context = f"{title} > {heading}"
                chunks.append(Chunk(chunk_id, document_id, section_id, start, end, context, text[start:end]))
        documents.append(
            Document(
                id=document_id,
                source_id=f"https://example.org/{document_id}",
                origin="tests",
                title=title,
                url=f"https://example.org/{document_id}",
                text=text,
                standing=(standings or {}).get(title, standing),  # type: ignore[arg-type]
                published=None,
                fetched="2026-11-23",
            )
        )
    return Corpus(tuple(documents), tuple(sections), tuple(chunks), tuple(statements))


def _id(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _stance(sentence: str) -> str | None:
    named = [
        o for o, name in (("azure_ml", "Azure Machine Learning"), ("databricks", "Databricks")) if name in sentence
    ]
    return named[0] if len(named) == 1 else None
