"""Reads an HTML page: its main content as blocks, and what its head says of it."""

import json
import re
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from ingest.anchors import Anchors
from ingest.blocks import Block, Code, Heading, Metadata, Parsed, TableRow
from ingest.readers.boilerplate import without_boilerplate
from ingest.readers.tree import TreeReader
from ingest.readers.words import decode, iso_date, tidy

_OUTSIDE = "//nav|//footer|//form|//dialog|//*[@role='navigation' or @role='banner' or @role='contentinfo' or "
_OUTSIDE += "@role='search' or @role='complementary' or @role='dialog' or @aria-hidden='true' or @hidden]"
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d])|font-size\s*:\s*0(?![.\d])", re.I
)
_CLUTTER = re.compile(
    r"(?:^|[\s_-])(?:toc|table-of-contents|breadcrumbs?|cookie[\w-]*|consent[\w-]*|sidebar|share|sharing|social[\w-]*|"
    r"comments?|respond|related[\w-]*|newsletter|subscribe|author-(?:box|bio|info)|advert[\w-]*|promo|pagination|"
    r"skip-link|screen-reader-text|sr-only|visually-hidden|feedback|banner)(?:$|[\s_-])",
    re.I,
)
_MAIN = ("//main//article", "//main", "//*[@role='main']", "//article", "//*[@id='main-content' or @id='content']")


def read_html(data: bytes, url: str = "") -> Parsed:
    """The page in HTML bytes; `url` resolves its links. ValueError, with the reason, where there is no page in it."""
    root = _parsed(data)
    metadata = _metadata(root, url)
    base = metadata.url or url
    _prune(root)
    main = _main(root)
    reader = TreeReader(base)
    reader.walk(main)
    blocks: list[Block] = reader.blocks
    if main.tag == "body":
        blocks = _content_of(blocks, root)
    blocks = without_boilerplate(blocks)
    title, blocks = _titled(blocks, metadata.title)
    metadata = Metadata(**{**_fields(metadata), "title": title})
    return Parsed(metadata, tuple(Anchors.of(urlsplit(base)).fill(blocks)), reader.links)


def _parsed(data: bytes) -> HtmlElement:
    declared = re.search(rb"charset=[\"']?\s*([\w-]+)", data[:2048], re.I)
    text: bytes | str = data
    if not declared or declared[1].lower() in (b"utf-8", b"utf8"):
        text = decode(data)
        text = re.sub(r"\A\s*<\?xml[^>]*\?>", "", text).replace("\x00", "")
    elif b"\x00" in data[:4096]:
        raise ValueError("a binary file")
    try:
        return document_fromstring(text, parser=HTMLParser(remove_comments=True, remove_pis=True))
    except (etree.ParserError, etree.XMLSyntaxError, LookupError, ValueError):
        raise ValueError("an empty page") from None


def _prune(root: HtmlElement) -> None:
    """Take out what is not content, and what a reader would not see."""
    for element in root.xpath(_OUTSIDE):
        _drop(element)
    for element in root.xpath("//header[not(ancestor::article)]|//aside[not(ancestor::article)]"):
        _drop(element)
    for element in root.xpath("//*[@style]"):
        if _HIDDEN.search(element.get("style", "")):
            _drop(element)
    for element in root.xpath("//body//*[@class or @id]"):
        if element.tag not in ("main", "article", "body", "h1", "h2", "h3", "h4", "h5", "h6", "code", "pre", "table"):
            names = f"{element.get('class', '')} {element.get('id', '')}"
            if _CLUTTER.search(names) and not element.xpath("descendant-or-self::main|descendant-or-self::article"):
                _drop(element)


def _drop(element: HtmlElement) -> None:
    if element.getparent() is not None and element.tag not in ("html", "body"):
        element.drop_tree()


def _main(root: HtmlElement) -> HtmlElement:
    for path in _MAIN:
        found = root.xpath(path)
        if len(found) == 1 and len("".join(found[0].itertext()).split()) >= 20:
            return found[0]
    body = root.find("body")
    return root if body is None else body


def _content_of(blocks: list[Block], root: HtmlElement) -> list[Block]:
    """Of a page that marks no main content, the blocks that trafilatura takes for content, and their headings."""
    import logging

    import trafilatura
    from lxml.html import tostring

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    extracted = trafilatura.extract(
        tostring(root, encoding="unicode"), include_comments=False, include_tables=True, favor_recall=True
    )
    words = _letters(extracted or "")
    kept: list[Block] = []
    pending: list[Block] = []
    found = total = 0
    for block in blocks:
        if isinstance(block, Heading):
            while pending and isinstance(pending[-1], Heading) and pending[-1].level >= block.level:
                pending.pop()
            pending.append(block)
            continue
        size = len(_letters(_text_of(block)))
        total += size
        if isinstance(block, Code) or _letters(_text_of(block)) in words:
            found += size
            kept += [*pending, block]
            pending = []
    return kept if found * 3 >= total else blocks


def _text_of(block: Block) -> str:
    return " ".join(block.cells) if isinstance(block, TableRow) else block.text


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text).lower()


def _titled(blocks: list[Block], named: str) -> tuple[str, list[Block]]:
    """The title, and the blocks without it: the page's only h1 where it opens the page."""
    for index, block in enumerate(blocks[:4]):
        if isinstance(block, Heading) and block.level == 1:
            return block.text, [*blocks[:index], *blocks[index + 1 :]]
    first = next((block.text for block in blocks if isinstance(block, Heading)), "")
    return named or first, blocks


def _metadata(root: HtmlElement, url: str) -> Metadata:
    tags: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or meta.get("itemprop") or "").lower()
        if name and meta.get("content"):
            tags.setdefault(name, meta.get("content", ""))
    linked = {(link.get("rel") or "").lower(): link.get("href", "") for link in root.iter("link")}
    data = _linked_data(root)
    title = root.findtext(".//title") or ""
    times = [time.get("datetime") for time in root.iter("time") if time.get("datetime")]
    canonical = linked.get("canonical") or tags.get("og:url") or ""
    licence = next((a.get("href") for a in root.iter("a", "link") if "license" in (a.get("rel") or "").split()), None)
    return Metadata(
        title=tidy(tags.get("og:title") or title).replace("\n", " "),
        url=_web_address(canonical, url),
        published=iso_date(
            tags.get("article:published_time")
            or tags.get("ms.date")
            or tags.get("datepublished")
            or data.get("datePublished")
            or tags.get("date")
            or tags.get("dc.date")
            or (times[0] if times else "")
        ),
        updated=iso_date(
            tags.get("article:modified_time")
            or tags.get("updated_at")
            or data.get("dateModified")
            or tags.get("last-modified")
        ),
        licence=licence or tags.get("dc.rights") or None,
        language=(root.get("lang") or "").strip() or None,
        description=tidy(tags.get("description") or tags.get("og:description") or ""),
    )


def _linked_data(root: HtmlElement) -> dict[str, Any]:
    """The dates in the page's JSON-LD."""
    found: dict[str, Any] = {}
    for script in root.xpath("//script[@type='application/ld+json']"):
        try:
            data = json.loads(script.text or "")
        except (json.JSONDecodeError, RecursionError):
            continue
        graph = data.get("@graph", [data]) if isinstance(data, dict) else data
        for node in graph if isinstance(graph, list) else []:
            if isinstance(node, dict):
                for key in ("datePublished", "dateModified"):
                    if isinstance(node.get(key), str):
                        found.setdefault(key, node[key])
    return found


def _web_address(canonical: str, url: str) -> str:
    try:
        address = urljoin(url, canonical.strip()) if canonical else ""
        return address if urlsplit(address).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _fields(metadata: Metadata) -> dict[str, Any]:
    return {name: getattr(metadata, name) for name in metadata.__slots__}
