"""Mutated pages and Markdown: a reader gives blocks or a reason, soon, and every offset still holds."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.chunk import pack
from ingest.readers import read
from ingest.sections import lay_out
from ingest.sources import Fetched, content_type_of

MARKS = [
    "<div>",
    "</div>",
    "<table><tr><td>",
    "</td>",
    "<ul><li>",
    "</li>",
    "<pre>",
    "<h2 id=x>",
    "</h2>",
    "<!--",
    "-->",
    "<br>",
    "&nbsp;",
    "```",
    "~~~",
    ":::",
    ':::moniker range="a-1"',
    ":::image",
    "<Aside>",
    "</Tabs>",
    "<TabItem label='x'>",
    "!!! note",
    "    ",
    "\n",
    "\n\n",
    "> ",
    "- ",
    "1. ",
    "| a | b |\n|--|--|\n",
    "{{ if }}",
    "{% raw %}",
    "# ",
    "## [x](#tab/y)",
    "[a](b",
    "![",
    "\x00",
    "\ufeff",
    "\u200b",
    "😀",
    "---\n",
    "import x from 'y'",
    "<script>",
    "](",
    "**",
    "`",
    "$",
    "\r\n",
    "。",
    "word. Word",
]
PIECES = st.lists(st.one_of(st.sampled_from(MARKS), st.text(max_size=20)), max_size=60).map("".join)


def check(name: str, data: bytes) -> None:
    item = Fetched(data, "https://example.com/x", content_type_of(name), name, "2026-01-01", "test")
    try:
        parsed = read(item)
    except ValueError as reason:
        assert 0 < len(str(reason)) < 200
        return
    layout = lay_out(parsed.blocks)
    for section in layout.sections:
        assert 0 <= section.start <= section.end <= len(layout.text)
    before = 0
    for unit in layout.units:
        assert before <= unit.start < unit.end <= layout.sections[unit.section].end
        assert layout.words(unit).strip() == layout.words(unit) or unit.kind == "code"
        before = unit.end
    packed = pack(layout, "T", count_tokens=lambda texts: [len(text.split()) + 2 for text in texts], max_tokens=64)
    assert all(len(f"{p.context}\n{layout.text[p.start : p.end]}".split()) + 2 <= 64 for p in packed)
    assert sum(len(p.units) for p in packed) >= len(layout.units)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(PIECES, st.sampled_from(["a.md", "a.html", "a.txt", "a.yml"]))
def test_any_mixture_of_marks_gives_blocks_or_a_reason(text: str, name: str) -> None:
    check(name, text.encode("utf-8", "surrogatepass"))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.binary(max_size=200), st.sampled_from(["a.md", "a.html", "a.txt", "a.yml", "a.ipynb"]))
def test_any_bytes_give_blocks_or_a_reason(data: bytes, name: str) -> None:
    check(name, data)


@pytest.mark.data
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_mutations_of_real_documents(test_data: Path, data: st.DataObject) -> None:
    folder = test_data / "corpus"
    names = (
        "article/azure-machine-learning-vs-databricks.html",
        "docs/delta-io__delta/docs/src/content/docs/delta-utility/index.mdx",
        "docs/MicrosoftDocs__azure-ai-docs/articles/machine-learning/concept-compute-target.md",
        "docs/unitycatalog__unitycatalog/docs/server/configuration.md",
    )
    name = data.draw(st.sampled_from(names))
    text = (folder / name).read_text("utf-8")[:12_000]
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + data.draw(st.sampled_from(MARKS)) + text[place + data.draw(st.integers(0, 300)) :]
    check(name, text.encode())


HOSTILE = [
    ("a.html", "<div>" * 20_000 + "deep" + "</div>" * 20_000),
    ("a.html", "<b>" * 20_000 + "deep"),
    ("a.html", "<ul><li>" * 5_000 + "deep"),
    ("a.html", "<table><tr><td>" * 2_000 + "deep"),
    ("a.md", "> " * 3_000 + "deep"),
    ("a.md", "- " * 2_000 + "deep"),
    ("a.md", "[" * 20_000),
    ("a.md", "<Aside>\n" * 5_000),
    ("a.md", ":::image \n" * 5_000),
    ("a.md", "`" * 50_000),
    ("a.md", "*a" * 20_000),
    ("a.md", "| a " * 10_000 + "\n" + "|--" * 10_000 + "\n" + "| b " * 10_000),
    ("a.txt", "x" * 300_000),
    ("a.txt", "(\n" * 20_000),
    ("a.txt", "A. " * 50_000),
]


@pytest.mark.parametrize(("name", "text"), HOSTILE)
def test_hostile_shapes_end_soon(name: str, text: str) -> None:
    start = time.process_time()
    check(name, text.encode())
    assert time.process_time() - start < 10


def test_hostile_shapes_and_swollen_files_take_little_memory() -> None:
    code = (
        "import resource, runpy, sys\n"
        "tests = runpy.run_path(sys.argv[1])\n"
        "tests['check']('a.md', b'# T\\n\\nx\\n')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for name, text in tests['HOSTILE']:\n"
        "    tests['check'](name, text.encode())\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, __file__], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 400
