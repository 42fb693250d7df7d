"""Turns the dialects of Markdown into plain Markdown, a line at a time and never inside a code fence.

Microsoft Learn (alerts, checklists, images, tabs, monikers, includes, zones), MDX (imports, components), mkdocs
(admonitions, content tabs), Jekyll and Go templates (actions). Unknown marks are left alone.
"""

import html
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^(?P<indent>[\s>]*)(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_QUOTE = r"^(?P<lead>\s*(?:>\s?)+\s*|\s*)"
_ALERT = re.compile(_QUOTE + r"\\?\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION|INFO)\\?\](?P<rest>.*)$", re.I)
_DIV = re.compile(_QUOTE + r"\[!div\b.*\]\s*$", re.I)
_DIRECTIVE = re.compile(
    r"\[!(?:INCLUDE|VIDEO|CODE|SOURCE|NOTEBOOK|TOC)[^\[\]]*(?:\[[^\]]*\](?:\([^)]*\))?\s*)?\](?:\([^)]*\))?", re.I
)
_IMAGE = re.compile(r":::\s*image\b.*?:::(?:\s*:::image-end:::)?|:::\s*image-end\s*:::", re.I)
_IMAGE_OPEN = re.compile(r":::\s*image\b(?!.*:::)", re.I)
_COLON = re.compile(r"^[\s>]*:{3,}\s*(?P<name>[\w-]*)(?P<rest>.*)$")
_TAB = re.compile(r"^(?P<lead>[\s>]*)#{1,6}\s+\[(?P<label>.*)\]\(#tab/[^)]*\)\s*$")
_MKDOCS = re.compile(r'^(?P<indent>\s*)(?:!!!|\?\?\?\+?|===!?)\s*(?P<kind>[\w-]*)(?:[^"]*"(?P<title>[^"]*)")?\s*$')
_IMPORT = re.compile(r"^(?:import\s[^;]*\bfrom\s+['\"].*|import\s+['\"].*|export\s+(?:const|default|function)\b.*)$")
_COMPONENT = re.compile(r"</?(?P<name>[A-Z][A-Za-z0-9.]*)(?P<attributes>(?:\s[^<>]*?)?)/?>", re.S)
_COMPONENT_OPEN = re.compile(r"^\s*<(?:[A-Z][A-Za-z0-9.]*)(?:\s[^<>]*)?$")
_LABEL = re.compile(r"\b(?:label|title)=(?:\"([^\"]*)\"|'([^']*)'|\{`([^`]*)`\})")
_ACTION_LINE = re.compile(r"^\s*\{[{%]-?.*-?[%}]\}\s*$")
_ACTION = re.compile(r"\{\{-?\s*(?P<code>.*?)\s*-?\}\}|\{%.*?%\}", re.S)
_ATTRIBUTES = re.compile(r"(?<=[\w)\]*`\s])\{:?\s*[.#][^{}`]*\}\s*$")
_FENCED_OR_COMMENT = re.compile(
    r"(?P<fenced>^[ \t>]*(?P<mark>`{3,}|~{3,})[^`\n]*\n(?:.*\n)*?[ \t>]*(?P=mark)[`~]*[ \t]*$)"
    r"|<!--(?:[^-]|-(?!->))*(?:-->|\Z)|\{/\*(?:[^*]|\*(?!/\}))*\*/\}",
    re.M,
)
_DELIMITERS = re.compile(r"^[\s>]*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)+\|?\s*$")
_MONIKER = re.compile(r"moniker\s+range=\"(?P<range>[^\"]*)\"", re.I)
_COMPONENT_NAMES = frozenset(
    """
    Aside Tabs TabItem Card CardGrid LinkCard LinkButton Steps FileTree Icon Badge Code Tab Note Tip Warning Info
    Caution Admonition Accordion AccordionGroup Callout Details Image
    """.split()  # noqa: SIM905
)


def plain_markdown(text: str, *, moniker: str | None = None) -> str:
    """The text as plain Markdown; of text for several versions (monikers) only `moniker` stays, the newest when None.

    Code in fences stays as it is, but for the indent of the tab or admonition that it stands in.
    """
    # Whichever begins first holds the other: a comment may hide fences, and code may show comments.
    text = _FENCED_OR_COMMENT.sub(lambda match: match["fenced"] or "", text)
    if moniker is None:
        versions = sorted({name for found in _MONIKER.findall(text) for name in re.findall(r"[\w.-]+-\d[\w.]*", found)})
        moniker = versions[-1] if versions else None
    return "\n".join(_lines(text.split("\n"), moniker))


def _lines(lines: list[str], moniker: str | None) -> Iterator[str]:
    mdx = any(_names(line) & _COMPONENT_NAMES for line in lines)
    rest = deque(lines)
    layout: list[_Layout] = []
    fence = ""
    skipping = in_tabs = False
    while rest:
        line = rest.popleft()
        if not fence:
            while layout and line.strip() and layout[-1].ends_before(line):
                layout.pop()
        if layout:
            line = line[min(layout[-1].dedent, len(line) - len(line.lstrip(" \t"))) :]
        mark = _FENCE.match(line)
        if fence or (mark and "`" not in mark["info"]):
            if not fence and mark:
                fence = mark["fence"]
            elif mark and mark["fence"].startswith(fence) and not mark["info"].strip():
                fence = ""
            if not skipping:
                yield line
            continue
        while rest and len(line) < 2000 and (_IMAGE_OPEN.search(line) or (mdx and _COMPONENT_OPEN.match(line))):
            line += " " + rest.popleft().strip()
        colon = None if _IMAGE.search(line) else _COLON.match(line)
        if colon:
            version = _MONIKER.search(line)
            if colon["name"].lower() == "moniker-end":
                skipping = False
            elif version:
                skipping = bool(moniker) and not _in_range(moniker or "", version["range"])
            yield ""
            continue
        if skipping or _DIV.match(line) or _ACTION_LINE.match(line) or _IMPORT.match(line):
            continue
        if tab := _TAB.match(line):
            in_tabs = True
            yield from ("", f"{tab['lead']}**{_IMAGE.sub('', tab['label']).strip().strip('*').strip()}**", "")
            continue
        if in_tabs and re.fullmatch(r"\s*(?:-{3,}|\*{3,})\s*", line):
            in_tabs = False
            yield ""
            continue
        following = next((after for after in rest if after.strip()), "")
        block = _MKDOCS.match(line)
        if block and (block["title"] or _indent(following) > len(block["indent"])):
            if _indent(following) > len(block["indent"]):
                layout.append(_Layout(_indent(following), len(block["indent"])))
            yield from ("", f"**{block['title']}**" if block["title"] else "", "")
            continue
        if alert := _ALERT.match(line):
            yield alert["lead"] + alert["rest"].strip()
            continue
        line = _DIRECTIVE.sub("", _IMAGE.sub("![]()" if re.match(r"[\s>]*#", line) else "", line))
        if mdx and (found := list(_COMPONENT.finditer(line))):
            for match in found:
                if match["name"].split(".")[0] not in _COMPONENT_NAMES or match[0].endswith("/>"):
                    continue
                if match[0].startswith("</"):
                    layout = layout[:-1]
                else:
                    layout.append(_Layout(_indent(following), None))
            line = _COMPONENT.sub(_component, line)
            yield from (part.strip() for part in line.split("\n"))
            continue
        if line.count("|") > 1:
            # Tables padded to a width cost the parser a step a space.
            line = line[: _indent(line)] + re.sub(r" {2,}", " ", line[_indent(line) :])
            if rest and _DELIMITERS.match(rest[0]) and not _DELIMITERS.match(line):
                rest[0] = _delimiters(line, rest[0])
        yield _ATTRIBUTES.sub("", _ACTION.sub(_action, line)) if "{" in line else line


@dataclass(frozen=True, slots=True)
class _Layout:
    """An indented body that is text, not code: how far it is indented, and the indent that ends it, if any does."""

    dedent: int
    ends_at: int | None

    def ends_before(self, line: str) -> bool:
        return self.ends_at is not None and _indent(line) <= self.ends_at


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _delimiters(header: str, line: str) -> str:
    """The line below a table's header with a mark for each cell: sites forgive a wrong number, CommonMark does not."""
    cells = len(re.findall(r"(?<!\\)\|", header.strip("> \t").removeprefix("|").removesuffix("|"))) + 1
    if len(re.findall("-+", line)) == cells:
        return line
    return line[: len(line) - len(line.lstrip("> \t"))] + "|" + "---|" * cells


def _component(match: re.Match[str]) -> str:
    if match["name"].split(".")[0] not in _COMPONENT_NAMES:
        return match[0]
    label = _LABEL.search(match["attributes"])
    words = html.unescape(next((word for word in label.groups() if word), "")) if label else ""
    return f"\n**{words}**\n" if words else "\n"


def _action(match: re.Match[str]) -> str:
    """What a template writes in place: a variable's name; nothing for a command."""
    code = match["code"] or ""
    return code.split(".")[-1] if re.fullmatch(r"[.$][\w.]+", code) else ""


def _names(line: str) -> set[str]:
    return {match["name"].split(".")[0] for match in _COMPONENT.finditer(line)} | set(
        re.findall(r"^\s*<([A-Z][A-Za-z0-9]*)", line)
    )


def _in_range(moniker: str, expression: str) -> bool:
    """Whether a version is in a moniker range such as `azureml-api-2 || azureml-api-1` or `>=v3`."""
    for part in expression.split("||"):
        if match := re.fullmatch(r"\s*(>=|<=|>|<|=)?\s*([\w.-]+)\s*", part):
            operator, name = match[1] or "=", match[2]
            if (
                (operator in ("=", ">=", "<=") and name == moniker)
                or (operator.startswith(">") and moniker > name)
                or (operator.startswith("<") and moniker < name)
            ):
                return True
    return False
