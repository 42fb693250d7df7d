"""All 320 documents of the reading list, from a local mirror: nothing lost, nothing left of the markup."""

import html
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
    r":::|\[!|\{%|\{\{|^import |&nbsp;|&#\d+;|<!--|```|^!!! |^=== |^#{1,6} |\]\(|\| ?:?-+:? ?\||"
    r"</?(?:Aside|Card|CardGrid|FileTree|Steps|TabItem|Tabs?)\b|</?(?:a|b|blockquote|br|center|code|dd|details|div|dl|dt|"
    r"em|font|footer|h[1-6]|header|hr|i|iframe|img|input|kbd|li|main|nav|ol|p|pre|script|section|span|strong|style|sub|"
    r"summary|sup|table|tbody|td|th|thead|tr|u|ul|video)(?=[\s/>])",
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
    shown = [(document.id, document.title) for document in whole_corpus.documents]
    shown += [(section.document_id, heading) for section in whole_corpus.sections for heading in section.path]
    shown += [(chunk.document_id, chunk.context) for chunk in whole_corpus.chunks]
    shown += [(statement.document_id, statement.context) for statement in whole_corpus.statements]
    shown += [(each.document_id, each.text) for each in whole_corpus.statements if each.kind != "code"]
    found = set()
    for document_id, text in shown:
        for mark in RESIDUE.finditer(text):
            file = mirror.files.get(urls[document_id])
            source = file.read_text("utf-8") if file else ""
            # Code within a sentence may be about markup: then the source has it, with what follows, in backticks.
            after = text[mark.start() :].split("\n")[0][: len(mark[0]) + 1].rstrip()
            if not any(after in span for span in re.findall(r"`([^`\n]+)`", source)):
                found.add((urls[document_id], mark[0], text[:120]))
    assert found == set()


def test_every_heading_that_a_line_of_markdown_gives_is_a_section(whole_corpus: Corpus, mirror: Any) -> None:
    """By another way than the readers': `#` lines outside front matter, comments and fences, by their letters."""
    sections: dict[str, list[str]] = defaultdict(list)
    for section in whole_corpus.sections:
        sections[section.document_id].append(letters(section.path[-1]) if section.path else "")
    seen = 0
    for document in whole_corpus.documents:
        file = mirror.files.get(document.url)
        if file is None or file.suffix not in (".md", ".mdx", ".tmpl"):
            continue
        text = file.read_text("utf-8").replace("\r\n", "\n")
        text = re.sub(r"(?s)\A\s*---\n.*?\n---|<!--.*?-->", "", text)
        text = re.sub(r"(?ms)^[ \t>]*(`{3,}|~{3,})[^`\n]*\n.*?^[ \t>]*\1[`~]*[ \t]*$", "", text)
        lines = re.findall(r"(?m)^(?:>\s*)? {0,3}#{1,6}[ \t]+(.*?)[ \t#]*$", text)
        headings = [letters(line) for line in lines if "(#tab/" not in line and letters(line)]
        if headings[:1] == [letters(document.title)]:
            headings = headings[1:]
        seen += len(headings)
        left = iter(sections[document.id])
        assert [heading for heading in headings if heading not in left] == [], document.url
    assert seen > 3000


def letters(markdown: str) -> str:
    plain = re.sub(r"\{\{.*?\}\}|:::image.*?:::|<[^>]*>|!\[[^\]]*\]\([^)]*\)|\]\([^)]*\)", "", html.unescape(markdown))
    return re.sub(r"[\W_]+", "", plain).lower()


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


def test_each_address_opens_its_own_section_and_no_other(whole_corpus: Corpus, mirror: Any) -> None:
    documents = {document.id: document for document in whole_corpus.documents}
    opened: dict[str, set[str]] = defaultdict(set)
    hosts: dict[str, int] = defaultdict(int)
    for section in whole_corpus.sections:
        url = documents[section.document_id].url
        hosts[url.split("/")[2]] += 1
        page, _, fragment = section.url.partition("#")
        assert page == url
        assert unquote(fragment) == section.anchor
        # The cards of a landing page have no anchors; every other heading has one, and no two the same.
        if section.path and not section.anchor:
            assert mirror.files[url].suffix == ".yml"
        elif section.anchor:
            assert section.anchor not in opened[url], section.url
            opened[url].add(section.anchor)
    assert set(hosts) == {
        "azurelessons.com",
        "docs.delta.io",
        "docs.unitycatalog.io",
        "github.com",
        "learn.microsoft.com",
        "microsoftlearning.github.io",
    }


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
