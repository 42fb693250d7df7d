"""All 320 documents of the reading list, from a local mirror: nothing lost, nothing left of the markup."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from kb.records import Corpus, Document

pytestmark = pytest.mark.data
HEADINGS = Path(__file__).parent / "headings.json"
RESIDUE = re.compile(
    r":::|\[!|\{%|\{\{|^import |</?(?:Aside|Tab|TabItem)\b|&nbsp;|&#\d+;|<!--|```|^!!! |^#{1,6} |"
    r"</?(?:a|b|br|code|div|details|em|i|img|li|ol|p|pre|span|strong|sub|summary|sup|table|td|th|tr|u|ul)(?=[\s/>])",
    re.M,
)


def short(heading: str) -> str:
    words = heading.split()
    return heading if len(words) <= 7 else " ".join([*words[:6], "…"])


def plain(address: str) -> str:
    return unquote(address).replace("//", "/").rstrip("/")


def test_no_document_is_lost_without_a_reason(whole_corpus: Corpus, index_lines: list[dict[str, str]]) -> None:
    got = {plain(document.url) for document in whole_corpus.documents}
    reasons = {plain(left.source_id): left.reason for left in whole_corpus.left_out}
    wanted = {plain(line["url"]) for line in index_lines}
    assert len(wanted) == 319
    assert wanted - got - reasons.keys() == set()
    assert {plain("https://docs.delta.io/delta-kernel/")} == reasons.keys()
    assert (
        "nearly the same text as https://docs.delta.io/delta-kernel-java/"
        in reasons[plain("https://docs.delta.io/delta-kernel/")]
    )
    assert len(whole_corpus.documents) == 319


def test_offsets_round_trip_and_ids_are_unique(whole_corpus: Corpus) -> None:
    texts = {document.id: document.text for document in whole_corpus.documents}
    sections = {section.id: section for section in whole_corpus.sections}
    chunks = {chunk.id: chunk for chunk in whole_corpus.chunks}
    assert len(sections) == len(whole_corpus.sections)
    assert len(chunks) == len(whole_corpus.chunks)
    assert len({statement.id for statement in whole_corpus.statements}) == len(whole_corpus.statements)
    for chunk in whole_corpus.chunks:
        section = sections[chunk.section_id]
        assert texts[chunk.document_id][chunk.start : chunk.end] == chunk.text
        assert section.start <= chunk.start < chunk.end <= section.end
    for statement in whole_corpus.statements:
        chunk = chunks[statement.chunk_id]
        assert texts[statement.document_id][statement.start : statement.end] == statement.text
        assert chunk.start <= statement.start < statement.end <= chunk.end


def test_no_markup_is_left_outside_code(whole_corpus: Corpus, mirror: Any) -> None:
    urls = {document.id: document.url for document in whole_corpus.documents}
    found = []
    for statement in whole_corpus.statements:
        for mark in () if statement.kind == "code" else RESIDUE.finditer(statement.text):
            file = mirror.files.get(urls[statement.document_id])
            source = file.read_text("utf-8") if file else ""
            # Code within a sentence may be about markup: then the source has it in backticks.
            if not re.search(rf"`[^`\n]*{re.escape(mark[0])}", source):
                found.append((urls[statement.document_id], mark[0], statement.text[:120]))
    assert found == []


@pytest.mark.parametrize("path", json.loads(HEADINGS.read_text("utf-8")))
def test_every_heading_of_hand_checked_documents_has_its_path(
    path: str, whole_corpus: Corpus, index_lines: list[dict[str, str]]
) -> None:
    expected = json.loads(HEADINGS.read_text("utf-8"))[path]
    url = plain(next(line["url"] for line in index_lines if line["path"] == path))
    document = next(document for document in whole_corpus.documents if plain(document.url) == url)
    sections = [section for section in whole_corpus.sections if section.document_id == document.id]
    assert document.title == expected["title"]
    assert [" > ".join(map(short, section.path)) for section in sections if section.path] == expected["headings"]


def test_the_hand_checked_documents_come_from_all_ten_sources() -> None:
    assert len({path.split("/")[0] for path in json.loads(HEADINGS.read_text("utf-8"))}) == 10
    assert len(json.loads(HEADINGS.read_text("utf-8"))) == 20


def test_links_within_pages_find_their_section_by_the_rule_of_the_site(whole_corpus: Corpus, mirror: Any) -> None:
    """The authors' own links into their pages are the oracle for the anchors that we make."""
    anchors: dict[str, set[str]] = defaultdict(set)
    documents: dict[str, Document] = {document.id: document for document in whole_corpus.documents}
    for section in whole_corpus.sections:
        anchors[documents[section.document_id].url].add(section.anchor)
        if section.path and section.anchor:
            assert section.url == f"{documents[section.document_id].url}#{section.anchor}" or "%" in section.url
    hits: dict[str, list[bool]] = defaultdict(list)
    for url, file in mirror.files.items():
        text = re.sub(r"(?ms)^\s*```.*?^\s*```", "", file.read_text("utf-8"))
        for target in re.findall(r"\]\(#([^)\s]+)\)", text) if url in anchors else ():
            if not target.startswith("tab/"):
                hits[url.split("/")[2]].append(unquote(target).lower() in anchors[url])
    assert set(hits) == {"learn.microsoft.com", "github.com", "docs.delta.io", "docs.unitycatalog.io"}
    for host, found in hits.items():
        assert sum(found) >= 0.96 * len(found), host
    assert sum(len(found) for found in hits.values()) >= 350


def test_dates_standing_and_stance_of_known_documents(whole_corpus: Corpus) -> None:
    documents = {document.url: document for document in whole_corpus.documents}
    base = "https://learn.microsoft.com/en-us/azure"
    assert documents[f"{base}/azure-databricks/frequently-asked-questions-databricks"].published == "2017-11-17"
    assert documents[f"{base}/machine-learning/concept-endpoints"].published == "2026-08-21"
    assert documents[f"{base}/architecture/example-scenario/mlops/aml-decision-tree"].standing == "comparison"
    assert documents[f"{base}/well-architected/security/principles"].standing == "reference"
    stances: dict[str, set[str | None]] = defaultdict(set)
    for statement in whole_corpus.statements:
        if statement.kind != "code":
            stances[statement.document_id].add(statement.stance)
    endpoints = documents[f"{base}/machine-learning/concept-endpoints"]
    assert stances[endpoints.id] == {"azure_ml"}
    assert stances[documents["https://docs.delta.io/delta-faq/"].id] <= {None, "databricks"}


def test_a_hidden_note_a_comment_and_an_old_version_are_not_indexed(whole_corpus: Corpus) -> None:
    base = "https://learn.microsoft.com/en-us/azure/machine-learning"
    documents = {document.url: document.text for document in whole_corpus.documents}
    assert "Local web service" not in documents[f"{base}/concept-compute-target"]
    assert "Azure Machine Learning endpoints" in documents[f"{base}/concept-compute-target"]
    assert "does not seem useful" not in documents["https://docs.unitycatalog.io/integrations/unity-catalog-spark/"]
