"""Words for Slack: nothing that a document, a question or a model wrote can format, link or ping anybody."""

import html
import re
from urllib.parse import quote

_PING = re.compile(r"(?<=[@!])(?=(?:channel|here|everyone)\b)", re.IGNORECASE)
_COMMAND = re.compile(r"<(?=[@#!])")
_SPACE = re.compile(r"\s+")
_MARKDOWN = re.compile(r"[\\`*\[\]~|]|(?<!\w)_|_(?!\w)")
_LINE_START = re.compile(r"^(?:#{1,6}(?=\s)|[-+](?=\s)|\d+(?=[.)]\s)|!)")
_JOINER = "\u2060"


def plain(text: str) -> str:
    """One line for a field that Slack takes literally (rich text, button labels): pings broken, space collapsed."""
    flat = _SPACE.sub(" ", text).strip()
    return _COMMAND.sub(f"<{_JOINER}", _PING.sub(_JOINER, flat))


def mrkdwn(text: str) -> str:
    """One line for a `mrkdwn` field: `& < >` escaped, pings broken."""
    return html.escape(plain(text), quote=False)


def markdown(text: str, *, emphasis: bool = False) -> str:
    """One line of literal text for a Markdown field; `emphasis` keeps `*` and `_` that the text came with."""
    literal = mrkdwn(text)
    escaped = _MARKDOWN.sub(lambda m: m[0] if emphasis and m[0] in "*_" else f"\\{m[0]}", literal)
    return _LINE_START.sub(lambda m: f"{m[0]}\\" if m[0].isdigit() else f"\\{m[0]}", escaped)


def cut(text: str, limit: int) -> str:
    """The text, shortened at a word to at most `limit` characters."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return f"{head.rsplit(' ', 1)[0] if ' ' in head[limit // 2 :] else head}…"


def pieces(text: str, limit: int) -> list[str]:
    """The text in runs of at most `limit` characters, broken at spaces where there are any."""
    found: list[str] = []
    rest = text
    while len(rest) > limit:
        at = rest.rfind(" ", limit // 2, limit)
        at = at if at > 0 else limit
        found.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*found, rest] if rest else found


def address(url: str) -> str | None:
    """The address if Slack may link to it: http or https, with nothing in it that would end the link."""
    if not url.lower().startswith(("http://", "https://")):
        return None
    return quote(url, safe="%/:?#@!$&'*+,;=~-._")


def mrkdwn_link(label: str, url: str) -> str:
    """`<url|label>`, or the label alone where the address cannot be linked."""
    target = address(url)
    words = mrkdwn(label).replace("|", "¦")
    return f"<{target.replace('&', '&amp;')}|{words}>" if target else words


def markdown_link(label: str, url: str) -> str:
    """`[label](url)`, or the label alone where the address cannot be linked."""
    target = address(url)
    return f"[{markdown(label)}]({target.replace('&', '&amp;')})" if target else markdown(label)
