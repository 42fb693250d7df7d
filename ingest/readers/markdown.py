"""Reads Markdown: front matter, the dialects, and CommonMark with tables, rendered to a tree and walked as HTML is."""

import html
import re
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ingest.anchors import Anchors
from ingest.blocks import Block, Code, Heading, Metadata, Parsed, TableRow
from ingest.readers.dialects import plain_markdown
from ingest.readers.tree import TreeReader
from ingest.readers.words import decode, iso_date, tidy

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_FRONT_MATTER = re.compile(r"\A\s*---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w.-]*)(?P<rest>[^<>]*)>|<(?=[A-Za-z/!?])")
_BROKEN_LINK = re.compile(r"!?\[([^\[\]]{1,120})\]\((?:https?:|#|\.{0,2}/)[^()]*\)")
_HTML_TAGS = frozenset(
    """
    a abbr address article aside b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn
    div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p
    picture pre q s samp section small source span strike strong style sub summary sup svg path g rect circle line
    table tbody td tfoot th thead time tr tt u ul var video wbr script iframe
    """.split()  # noqa: SIM905
)


def read_markdown(data: bytes, url: str = "") -> Parsed:
    """The document in Markdown bytes; `url` decides the rule for its anchors. ValueError where it is no text."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n")
    front, body = split_front_matter(text)
    return read_text_of_markdown(body, url=url, front=front)


def read_text_of_markdown(body: str, *, url: str = "", front: dict[str, Any] | None = None) -> Parsed:
    """The document in Markdown text whose front matter is read already."""
    from lxml.html import fragment_fromstring

    rendered = _renderer().render(plain_markdown(body)).replace("\x00", "")
    reader = TreeReader(url)
    reader.walk(fragment_fromstring(rendered, create_parent="div"))
    metadata = _metadata(front or {}, reader.blocks)
    blocks = [_mended(block) for block in _without_title(reader.blocks, front or {})]
    anchors = Anchors.of(urlsplit(url))
    return Parsed(metadata, tuple(anchors.fill(blocks)), reader.links)


def _mended(block: Block) -> Block:
    """The block with the words of links that the author's slip kept from being links."""
    if isinstance(block, Code | Heading):
        return block
    if isinstance(block, TableRow):
        return replace(block, cells=tuple(_BROKEN_LINK.sub(r"\1", cell) for cell in block.cells))
    return replace(block, text=_BROKEN_LINK.sub(r"\1", block.text))


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The YAML front matter as a mapping (empty where there is none or it is broken) and the text after it."""
    match = _FRONT_MATTER.match(text.lstrip("\ufeff"))
    if not match:
        return {}, text
    import yaml

    try:
        front = yaml.safe_load(match[1])
    except yaml.YAMLError:
        # Titles with a colon or a tab break YAML; the plain `key: value` lines still tell.
        front = dict(re.findall(r"(?m)^([\w.-]+):[ \t]*[\"']?(.*?)[\"']?[ \t]*$", match[1]))
    rest = text.lstrip("\ufeff")[match.end() :]
    return (front, rest) if isinstance(front, dict) else ({}, text)


def _metadata(front: dict[str, Any], blocks: list[Block]) -> Metadata:
    nested = [front, *(front[key] for key in ("metadata", "lab") if isinstance(front.get(key), dict))]

    def first(*keys: str) -> Any:
        return next((table[key] for key in keys for table in nested if table.get(key)), None)

    top = next((block.text for block in blocks if isinstance(block, Heading)), "")
    heading = next((block.text for block in blocks if isinstance(block, Heading) and block.level == 1), top)
    return Metadata(
        title=heading if _has_title(blocks) else tidy(str(first("title") or heading)).replace("\n", " "),
        published=iso_date(first("ms.date", "date", "published")),
        updated=iso_date(first("updated_at", "updated", "lastmod")),
        licence=str(first("license", "licence") or "") or None,
        language=str(first("lang", "language") or "") or None,
        description=tidy(str(first("description", "summary") or "")),
    )


def _has_title(blocks: list[Block]) -> bool:
    return any(isinstance(block, Heading) and block.level == 1 for block in blocks[:3])


def _without_title(blocks: list[Block], front: dict[str, Any]) -> list[Block]:
    """The blocks without the first heading where it is the document's title."""
    title = tidy(str(front.get("title") or ""))
    for index, block in enumerate(blocks[:3]):
        if isinstance(block, Heading) and (block.level == 1 or block.text == title):
            return [*blocks[:index], *blocks[index + 1 :]]
    return blocks


@cache
def _renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.use(deflist_plugin).use(footnote_plugin)

    def known_html(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        return _TAG.sub(_known, str(tokens[index].content))

    parser.add_render_rule("html_inline", known_html)
    parser.add_render_rule("html_block", known_html)
    for name in ("footnote_ref", "footnote_anchor"):
        parser.add_render_rule(name, lambda self, tokens, index, options, env: "")
    return parser


def _known(match: re.Match[str]) -> str:
    """A tag of HTML as it is; a placeholder such as `<your-name>` as the text that it is."""
    name = (match["name"] or "").lower()
    return match[0] if name in _HTML_TAGS else html.escape(match[0], quote=False)
