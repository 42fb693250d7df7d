"""Each format and dialect on small samples: what a reader keeps, and what it drops."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from ingest.blocks import Code, Heading, ListItem, Paragraph, TableRow
from ingest.readers import read
from ingest.readers.dialects import plain_markdown
from ingest.readers.html import read_html
from ingest.readers.markdown import read_markdown
from ingest.readers.text import read_text
from ingest.sources import Fetched, content_type_of
from kb.records import Corpus
from kb.settings import SourceSettings

LEARN = "https://learn.microsoft.com/en-us/azure/x/page"


def markdown(text: str, url: str = LEARN) -> tuple[object, ...]:
    return read_markdown(text.encode(), url).blocks


def item_of(name: str, data: bytes) -> Fetched:
    return Fetched(data, "", content_type_of(name), name, "2026-01-01", "test")


def test_front_matter_gives_title_date_and_description() -> None:
    text = '---\ntitle: "A: B"\n# note\nms.date: 09/30/2025\ndescription: Short.\n---\n\nText.\n'
    meta = read_markdown(text.encode()).metadata
    assert (meta.title, meta.published, meta.description) == ("A: B", "2025-09-30", "Short.")


def test_broken_front_matter_still_tells() -> None:
    meta = read_markdown(b"---\ntitle: A: B: C\nms.date: 2024-01-02\n---\nText.\n").metadata
    assert (meta.title, meta.published) == ("A: B: C", "2024-01-02")


def test_the_first_heading_is_the_title_and_no_section() -> None:
    parsed = read_markdown(b"# Title\r\n\r\nIntro here.\r\n\r\n## Part\r\n\r\nText.\r\n")
    assert parsed.metadata.title == "Title"
    assert parsed.blocks == (Paragraph("Intro here."), Heading(2, "Part", "part", by_rule=True), Paragraph("Text."))


def test_learn_alerts_checklists_images_includes_and_tabs() -> None:
    text = (
        '> [!div class="checklist"]\n>\n> - **One.** Do it.\n\n>[!IMPORTANT]\n> Mind this.\n\n'
        ':::image type="content" source="a.png" alt-text="A picture":::\n\n[!INCLUDE [x](includes/y.md)]\n\n'
        "# [**Azure CLI**](#tab/cli)\n\nRun it.\n\n---\n\nAfter.&nbsp;All.\n"
    )
    assert markdown("## H\n\n" + text) == (
        Heading(2, "H", "h", by_rule=True),
        ListItem("One. Do it.", ""),
        Paragraph("Mind this."),
        Paragraph("Azure CLI"),
        Paragraph("Run it."),
        Paragraph("After. All."),
    )


def test_of_two_versions_side_by_side_the_newest_stays() -> None:
    text = ':::moniker range="api-2"\nNew.\n:::moniker-end\n:::moniker range="api-1"\nOld.\n:::moniker-end\nBoth.\n'
    assert plain_markdown(text).split() == ["New.", "Both."]
    assert plain_markdown(text, moniker="api-1").split() == ["Old.", "Both."]


def test_mdx_components_keep_their_words_and_code_in_tabs_stays_code() -> None:
    text = (
        'import { Aside, Tabs } from "@astrojs/starlight/components";\n\n<Aside\n  type="note"\n  title="Heads up"\n>\n'
        '  - Be careful.\n</Aside>\n\n<Tabs>\n  <TabItem label="SQL">\n\n    ```sql\n    SELECT 1\n    ```\n\n'
        "  </TabItem>\n</Tabs>\n\nDone.\n"
    )
    assert markdown(text, "https://docs.delta.io/x/") == (
        Paragraph("Heads up"),
        ListItem("Be careful.", "Heads up"),
        Paragraph("SQL"),
        Code("SELECT 1"),
        Paragraph("Done."),
    )


def test_mkdocs_bodies_are_text_not_code() -> None:
    text = '!!! note "Mind"\n    Indented text.\n\n=== "Python"\n\n    ```python\n    x = 1\n    ```\n\nAfter.\n'
    assert markdown(text) == (
        Paragraph("Mind"),
        Paragraph("Indented text."),
        Paragraph("Python"),
        Code("x = 1"),
        Paragraph("After."),
    )


def test_go_templates_lose_their_commands_and_keep_their_words() -> None:
    text = "# {{ .input_name }}\n\n{{- if (eq .a `b`) }}\nUse [the CLI]({{ template `link` . }}) here.\n{{- end }}\n"
    parsed = read_markdown(text.encode())
    assert parsed.metadata.title == "input_name"
    assert parsed.blocks == (Paragraph("Use the CLI here."),)


def test_comments_are_dropped_even_around_code_and_shown_comments_stay() -> None:
    text = "A.\n\n<!--\nhidden\n\n```\ncode\n```\n-->\n\n```html\n<!-- shown -->\n```\n"
    assert markdown(text) == (Paragraph("A."), Code("<!-- shown -->"))


def test_placeholders_are_text_and_line_breaks_part_a_cell() -> None:
    text = "Use <your-name> here.\n\n| A | B |\n|--|--|\n| x | one<br>two |\n"
    assert markdown(text) == (Paragraph("Use <your-name> here."), TableRow(("x", "one • two"), ("A", "B")))


def test_a_table_whose_marks_do_not_match_its_header_is_a_table() -> None:
    for marks in ("|--|--|--|", "--|--|--", "|:-:|--|"):
        assert markdown(f"| A | B |\n{marks}\n| x | y |\n") == (TableRow(("x", "y"), ("A", "B")),)
    assert markdown("> | A | B \\| C |\n> |:-|:-:|-|\n> | x | y |\n") == (TableRow(("x", "y"), ("A", "B | C")),)


def test_a_link_alone_is_a_pointer_and_links_are_resolved() -> None:
    parsed = read_markdown(b"Next steps:\n\n- [Go](other.md)\n- [Site](/azure/z) too\n", LEARN)
    assert [(b.text, b.pointer) for b in parsed.blocks if isinstance(b, ListItem)] == [
        ("Go", True),
        ("Site too", False),
    ]
    assert parsed.links == (
        "https://learn.microsoft.com/en-us/azure/x/other.md",
        "https://learn.microsoft.com/azure/z",
    )


@pytest.mark.parametrize(
    ("url", "heading", "anchor"),
    [
        (LEARN, "What's new in CI/CD?", "whats-new-in-cicd"),
        (LEARN, "Compute & storage", "compute--storage"),
        ("https://docs.unitycatalog.io/x/", "Compute & storage", "compute-storage"),
        ("https://docs.delta.io/x/", "Query (time travel)", "query-time-travel"),
    ],
)
def test_anchors_follow_the_rule_of_the_site(url: str, heading: str, anchor: str) -> None:
    blocks = markdown(f"# T\n\n## {heading}\n\nx\n\n## {heading}\n\ny\n", url)
    joint = "_1" if "unity" in url else "-1"
    assert [block.anchor for block in blocks if isinstance(block, Heading)] == [anchor, anchor + joint]


PAGE = """<!DOCTYPE html><html lang="en"><head><title>T | Site</title>
<link rel="canonical" href="https://example.com/a/"><meta property="article:published_time" content="2024-05-06T07:08">
<meta name="ms.date" content="2023-01-01"></head><body><nav>Home</nav><div class="cookie-banner">We use cookies</div>
<main><h1>Title</h1><!-- secret --><p style="display:none">hidden</p><p>First<br>second.</p>
<h2 id="own-id">Part &amp; more</h2><ul><li>One <a href="/b">link</a></li><li>Two<ul><li>Inner</li></ul></li></ul>
<dl><dt>Term</dt><dd>Meaning</dd></dl><table><tr><th>F</th><th>X</th></tr><tr><td>a</td><td>b</td></tr></table>
<pre>x = 1
y = 2</pre><script>alert(1)</script><div class="related-posts"><p>Other</p></div></main>
<footer>Bye</footer></body></html>"""


def test_a_page_gives_its_main_content_with_its_own_anchors() -> None:
    parsed = read_html(PAGE.encode(), "https://example.com/a/")
    meta = parsed.metadata
    assert (meta.title, meta.url, meta.published) == ("Title", "https://example.com/a/", "2024-05-06")
    assert meta.language == "en"
    assert parsed.blocks == (
        Paragraph("First\nsecond."),
        Heading(2, "Part & more", "own-id"),
        ListItem("One link"),
        ListItem("Two"),
        ListItem("Inner", "Two", 1),
        ListItem("Meaning", "Term"),
        TableRow(("a", "b"), ("F", "X")),
        Code("x = 1\ny = 2"),
    )
    assert parsed.links == ("https://example.com/b",)


def test_a_heading_without_an_id_is_opened_by_its_words(corpus_of: Callable[..., Corpus], tmp_path: Path) -> None:
    page = "<html><body><main><h1>T</h1><h2 id=own>One</h2><p>{0}</p><h2>Part two</h2><p>{0}</p></main></body></html>"
    (tmp_path / "page.html").write_text(page.format("Databricks reads streams of events. " * 5), "utf-8")
    corpus = corpus_of(SourceSettings(path=str(tmp_path / "*.html"), base_url="https://example.com/"))
    assert [section.url for section in corpus.sections] == [
        "https://example.com/page#own",
        "https://example.com/page#part-two:~:text=Part%20two",
    ]


def test_a_page_without_landmarks_keeps_its_text_and_headings() -> None:
    long = "This paragraph tells at some length how a thing is done and why it matters to the reader. " * 4
    body = f"<h1>T</h1><p>{long}</p><h2>S</h2><p>{long}</p>"
    page = f"<html><body><div><a href=/>Home</a> <a href=/x>X</a></div><div>{body}</div></body></html>"
    parsed = read_html(page.encode())
    assert parsed.metadata.title == "T"
    assert [block.text for block in parsed.blocks if isinstance(block, Heading)] == ["S"]
    assert (
        len([block for block in parsed.blocks if isinstance(block, Paragraph) and "at some length" in block.text]) == 2
    )


def test_wrapped_plain_text_with_underlined_and_numbered_headings() -> None:
    text = "Guide To Things\n===============\n\nThis is a long\nwrapped paragraph.\n\nSetup\n-----\n\n1. One\n2. Two\n"
    parsed = read_text(text.encode())
    assert parsed.metadata.title == "Guide To Things"
    assert parsed.blocks == (
        Paragraph("This is a long wrapped paragraph."),
        Heading(2, "Setup", "setup", by_rule=True),
        ListItem("One"),
        ListItem("Two"),
    )


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.md", b"", "empty"),
        ("a.md", b"  \n ", "empty"),
        ("a.txt", b"\x00\x01\x02\x03" * 50, "binary"),
        ("a.html", b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
        ("a.ipynb", b"{", "damaged notebook"),
        ("a.pdf", b"%PDF-1.4 nonsense", "damaged pdf"),
        ("a.pdf", b"%PDF-1.7\n\x00\x01garbage", "damaged pdf"),
        ("a.pdf", b"x\n", "damaged pdf"),
        ("a.docx", b"PK\x03\x04 nonsense", "damaged docx"),
        ("a.yml", b"a: 1", "no page"),
        ("a.png", b"\x89PNG", "not read"),
    ],
)
def test_what_cannot_be_read_says_why(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(item_of(name, data))


def test_latin_1_and_utf_16_are_decoded() -> None:
    assert "Größe" in str(read(item_of("a.txt", "Die Größe der Daten ist wichtig für uns.".encode("latin-1"))).blocks)
    assert "Größe" in str(read(item_of("a.md", "Die Größe.".encode("utf-16"))).blocks)


def test_a_landing_page_gives_its_summary_cards_and_links() -> None:
    text = (
        "### YamlMime:Landing\ntitle: Hub\nsummary: All about it.\nmetadata:\n  ms.date: 11/15/2024\n"
        "landingContent:\n  - title: Start\n    linkLists:\n"
        "      - links:\n          - text: Go\n            url: go.md\n"
    )
    parsed = read(item_of("index.yml", text.encode()))
    assert (parsed.metadata.title, parsed.metadata.published) == ("Hub", "2024-11-15")
    assert parsed.blocks == (Paragraph("All about it."), Heading(2, "Start"), ListItem("Go", pointer=True))


def test_a_notebook_gives_its_words_and_its_code() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Train\n", "\n", "Fit it."]},
        {"cell_type": "code", "source": "model.fit()", "outputs": [{"text": "noise"}]},
    ]
    parsed = read(item_of("n.ipynb", json.dumps({"cells": cells}).encode()))
    assert parsed.metadata.title == "Train"
    assert parsed.blocks == (Paragraph("Fit it."), Code("model.fit()"))


def docx(paragraphs: str) -> bytes:
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
            'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
            'Target="word/document.xml"/></Relationships>',
        )
        archive.writestr("word/document.xml", f"<w:document {space}><w:body>{paragraphs}</w:body></w:document>")
    return stream.getvalue()


def pdf(words: str) -> bytes:
    stream = f"BT /F1 12 Tf 72 720 Td ({words}) Tj ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    tail = f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF"
    return (body + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}" + tail).encode()


def test_word_and_pdf_files_give_their_words() -> None:
    pytest.importorskip("markitdown")
    paragraph = "<w:p><w:r><w:t>The cluster stops by itself.</w:t></w:r></w:p>"
    assert Paragraph("The cluster stops by itself.") in read(item_of("a.docx", docx(paragraph))).blocks
    assert "Clusters stop by themselves." in str(read(item_of("a.pdf", pdf("Clusters stop by themselves."))).blocks)


def test_slides_give_their_titles_words_and_notes() -> None:
    pptx = pytest.importorskip("pptx")
    presentation = pptx.Presentation()
    for number in (1, 2):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = f"Clusters {number}"
        slide.placeholders[1].text = "A cluster stops by itself."
        slide.notes_slide.notes_text_frame.text = "Say it slowly."
    stream = io.BytesIO()
    presentation.save(stream)
    parsed = read(item_of("a.pptx", stream.getvalue()))
    assert parsed.metadata.title == "Clusters 1"
    assert [block.text for block in parsed.blocks if isinstance(block, Heading)] == ["Notes:", "Clusters 2", "Notes:"]
    words = [block.text for block in parsed.blocks if isinstance(block, Paragraph)]
    assert words == ["A cluster stops by itself.", "Say it slowly."] * 2


def workbook(*sheets: list[tuple[object, ...]]) -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"Sheet {number}")
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_sheets_give_their_rows_with_the_values_that_are_stored() -> None:
    day = datetime(2026, 1, 31)
    costs: list[tuple[object, ...]] = [
        (),
        ("Service", "Nodes", "Price"),
        ("Cluster", 3, 0.25),
        ("Endpoint", None, day),
        ("NaN", 2.0, "a\nb"),
    ]
    header = ("Service", "Nodes", "Price")
    assert read(item_of("a.xlsx", workbook(costs, [], [("only",)]))).blocks == (
        Heading(2, "Sheet 1"),
        TableRow(("Cluster", "3", "0.25"), header),
        TableRow(("Endpoint", "", "2026-01-31"), header),
        TableRow(("NaN", "2", "a b"), header),
        Heading(2, "Sheet 3"),
        TableRow(("only",)),
    )
    with pytest.raises(ValueError, match="no text in it"):
        read(item_of("a.xlsx", workbook([])))
    with pytest.raises(ValueError, match="damaged xlsx"):
        read(item_of("a.xlsx", docx("")))


def test_a_file_that_unpacks_to_very_much_is_not_unpacked() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(201_000_000))
    with pytest.raises(ValueError, match="too large: 201 MB when unpacked"):
        read(item_of("a.docx", stream.getvalue()))


def test_a_sheet_with_one_cell_far_away_is_too_large_or_short() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.cell(1_000_000, 16_000, "far")
    stream = io.BytesIO()
    book.save(stream)
    with pytest.raises(ValueError, match="more than 1,000,000 cells"):
        read(item_of("a.xlsx", stream.getvalue()))


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "markitdown", None)
    with pytest.raises(ValueError, match=r"pip install 'whichway\[files\]'"):
        read(item_of("a.pdf", b"%PDF-1.4"))


def test_reading_markdown_loads_no_heavy_library(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; import ingest.cli, ingest.pipeline; from ingest.readers.markdown import read_markdown; "
        "read_markdown(b'# T\\n\\nx'); "
        "print([m for m in ('torch', 'trafilatura', 'markitdown', 'chromadb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
