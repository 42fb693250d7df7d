"""Takes from a model's text whatever could act or lead away: HTML, links, images, addresses, markup."""

import html
import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_ELEMENT = re.compile(r"<\s*(script|style|iframe|svg|object|template)\b.*?(?:<\s*/\s*\1\s*>|$)", re.I | re.S)
_TAG = re.compile(r"<(?=[a-z/!?@#])[^<>]*(?:>|$)", re.I)
_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^)]*\)?|\[[^\]]*\])?")
_LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)?|\[[^\]]*\])")
_DEFINITION = re.compile(r"^\s*\[[^\]]+\]:\s*\S+.*$", re.M)
_ADDRESS = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]{1,20}://|(?:javascript|data|vbscript|mailto|file|tel|about|blob):(?=\S)|www\.)\S*", re.I
)
_TEMPLATE = re.compile(r"\$\{[^}]*\}?|\{\{.*?(?:\}\}|$)|\{%.*?(?:%\}|$)|<%.*?(?:%>|$)", re.S)
_MARKUP = re.compile(r"[`*|~^\[\]{}\\]|(?<!\w)_+|_+(?!\w)|^\s*(?:#{1,6}|>|[-+]|\d+\.)\s+", re.M)


def plain_sentence(text: str) -> str:
    """The text on one line with nothing in it that a browser, Slack or a terminal would act on. May be empty."""
    before = None
    while before != text:
        before, text = text, _without_active(text)
    return text


def _without_active(text: str) -> str:
    for _ in range(4):
        decoded = html.unescape(text)
        if decoded == text:
            break
        text = decoded
    text = _CONTROL.sub("", text)
    for pattern, by in (
        (_ELEMENT, " "), (_IMAGE, " "), (_DEFINITION, " "), (_LINK, r"\1"), (_TEMPLATE, " "), (_ADDRESS, " "),
        (_TAG, " "),
    ):  # fmt: skip
        before = None
        while before != text:
            before, text = text, pattern.sub(by, text)
    text = _ADDRESS.sub(" ", _MARKUP.sub("", text)).replace("://", " ")
    # "5 < 6" stays, what could open a tag once other characters are gone does not.
    text = re.sub(r"<(?!\s|\d|=)|(?<![\s\d=])>", "", text)
    return re.sub(r"\s+([.,;:!?])", r"\1", re.sub(r"\s+", " ", text)).strip()
