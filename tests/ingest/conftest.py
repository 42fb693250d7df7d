"""The corpus as the tests of ingest see it: read once, and a fetcher that serves it by address."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ingest.addresses import known_address
from ingest.pipeline import build_corpus
from ingest.sources import Fetched, content_type_of
from kb.records import Corpus, LeftOut
from kb.settings import FollowSettings, Settings, SourceSettings

ARTICLE = "https://azurelessons.com/azure-machine-learning-vs-databricks/"


def count_words(texts: Sequence[str]) -> list[int]:
    """Tokens as a rough encoder counts them: more than words, as word pieces are."""
    return [len(text.split()) * 4 // 3 + 2 for text in texts]


class Mirror:
    """Serves files by their addresses, as a fetcher of the web would."""

    def __init__(self, files: dict[str, Path]) -> None:
        self.files = files

    def fetch(self, addresses: Sequence[str], *, origin: str) -> Iterator[Fetched | LeftOut]:
        for address in addresses:
            file = self.files.get(address)
            if file is None:
                yield LeftOut(address, "404 Not Found")
            else:
                kind = content_type_of(file.name)
                yield Fetched(file.read_bytes(), address, kind, address, "2026-11-23", origin)

    def follow(self, address: str, follow: FollowSettings, *, origin: str) -> Iterator[Fetched | LeftOut]:
        yield from self.fetch([address], origin=origin)

    def sitemap(self, address: str, allow: Sequence[str], *, origin: str) -> Iterator[Fetched | LeftOut]:
        yield from self.fetch(list(self.files), origin=origin)


@pytest.fixture(scope="session")
def index_lines(test_data: Path) -> list[dict[str, str]]:
    """The lines of the corpus's own index: path, url, title, ms_date."""
    return [json.loads(line) for line in (test_data / "corpus" / "index.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="session")
def mirror(test_data: Path, index_lines: list[dict[str, str]]) -> Mirror:
    """The article and the 319 documents by address."""
    corpus = test_data / "corpus"
    files = {known_address(line["path"]): corpus / "docs" / line["path"] for line in index_lines}
    return Mirror({ARTICLE: corpus / "article" / "azure-machine-learning-vs-databricks.html", **files})


@pytest.fixture(scope="session")
def whole_corpus(mirror: Mirror) -> Corpus:
    """The reading list from the mirror: all documents in one run."""
    return build(SourceSettings(reading_list="bundled"), fetcher=mirror)


@pytest.fixture(scope="session")
def article(test_data: Path) -> Callable[[str], Corpus]:
    """The article as a corpus of its own, from its `html` or its `txt`."""
    folder = test_data / "corpus" / "article"
    return lambda kind: build(SourceSettings(path=str(folder / f"azure-machine-learning-vs-databricks.{kind}")))


def build(*sources: SourceSettings, fetcher: Mirror | None = None) -> Corpus:
    settings = Settings(source=sources)
    return build_corpus(settings, sources=sources, count_tokens=count_words, fetcher=fetcher)


@pytest.fixture(scope="session")
def corpus_of() -> Callable[..., Corpus]:
    """`build`: a corpus from sources, with a rough count of tokens."""
    return build
