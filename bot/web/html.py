"""Makes text of documents, questions and models into HTML that can do nothing.

Two gates: every value is escaped or, where it is Markdown, rendered without links, images and raw HTML; and every
fragment goes through nh3 with the page's own list of tags and attributes before it leaves the server.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

import nh3

from bot.render_words import plain

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_PROSE_TAGS = {"p", "strong", "em", "code", "pre", "ul", "ol", "li", "blockquote", "br", "hr", "h3", "h4", "h5"}
_TABLE_TAGS = {"table", "thead", "tbody", "tr", "th", "td", "caption"}
_PAGE_TAGS = {
    *("article", "section", "header", "footer", "nav", "aside", "div", "span", "h1", "h2", "a", "button", "form"),
    *("input", "label", "output", "textarea", "details", "summary", "mark", "time", "dl", "dt", "dd", "small", "kbd"),
}
_ATTRIBUTES = {
    "*": {"class", "id", "role", "tabindex", "hidden", "title", "lang"},
    "a": {"href", "download", "target"},
    "button": {"type", "disabled", "value"},
    "input": {"type", "name", "min", "max", "step", "value", "placeholder", "autocomplete", "maxlength"},
    "label": {"for"},
    "output": {"for"},
    "textarea": {"name", "rows", "placeholder", "maxlength"},
    "details": {"open"},
    "th": {"scope", "colspan"},
    "td": {"colspan"},
    "ol": {"start"},
    "time": {"datetime"},
}


def e(text: object) -> str:
    """The text, escaped for an element or a quoted attribute, without control characters."""
    return escape(plain(str(text)), quote=True)


def clean(fragment: str) -> str:
    """The fragment with nothing in it but the page's own tags and attributes."""
    return nh3.clean(
        fragment,
        tags=_PROSE_TAGS | _TABLE_TAGS | _PAGE_TAGS,
        attributes=_ATTRIBUTES,
        generic_attribute_prefixes={"data-", "aria-"},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer",
        strip_comments=True,
    )


def prose(markdown: str, cite: Callable[[int], str | None]) -> str:
    """Markdown of an answer as HTML: emphasis, lists, code, tables, and `[1]` as what `cite(1)` gives.

    A marker that `cite` does not know (None) stays text. Links, images and HTML are shown as they are written.
    """
    cleaned = nh3.clean(
        _markdown().render(plain(markdown)),
        tags=_PROSE_TAGS | _TABLE_TAGS | {"span"},
        attributes={"span": {"data-n"}, "ol": {"start"}},
        link_rel=None,
    )
    pieces = cleaned.split('<span data-n="')
    parts = [pieces[0]]
    for piece in pieces[1:]:
        number, _, rest = piece.partition('"></span>')
        parts.append((cite(int(number)) or f"[{number}]") + rest)
    return "".join(parts)


def external_link(url: str, label: str, classes: str = "") -> str:
    """A link to another site, in a new tab; the label alone where the address is none that a page may open."""
    if not url.startswith(("https://", "http://")):
        return f"<span>{e(label)}</span>"
    return f'<a class="{e(classes)}" href="{e(url)}" target="_blank">{e(label)}</a>'


def paragraphs(text: str, start: int, end: int) -> str:
    """A section's text as paragraphs, `[start, end)` marked. Offsets count code points of `text` as given."""
    parts, position, marked = [], 0, False
    for line in text.split("\n"):
        begin, finish = max(start, position), min(end, position + len(line))
        if line.strip():
            body = e(line)
            if begin < finish:
                first = "" if marked else ' id="passage"'
                head, tail = line[: begin - position], line[finish - position :]
                body = f"{e(head)}<mark{first}>{e(line[begin - position : finish - position])}</mark>{e(tail)}"
                marked = True
            parts.append(f'<p class="{_line_class(line)}">{body}</p>')
        position += len(line) + 1
    return "".join(parts)


def _line_class(line: str) -> str:
    stripped = line.lstrip()
    if stripped.startswith(("- ", "* ", "• ")):
        return "line item"
    if stripped.startswith("|"):
        return "line row"
    return "line"


@lru_cache(maxsize=1)
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from markdown_it.common.utils import escapeHtml
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

    def marker(state: StateInline, silent: bool) -> bool:
        end = state.src.find("]", state.pos)
        digits = state.src[state.pos + 1 : end] if state.src[state.pos] == "[" else ""
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 4):
            return False
        if not silent:
            state.push("citation", "", 0).content = digits
        state.pos = end + 1
        return True

    def shown(renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return f'<span data-n="{escapeHtml(tokens[at].content)}"></span>'

    md = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable("table")
    md.disable(["link", "image", "autolink", "html_inline", "html_block", "reference"])
    md.inline.ruler.push("citation", marker)
    md.add_render_rule("citation", shown)
    return md
