"""What a model answers: claims and judgements, read tolerantly, also while it is still being written."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from bot.model.labels import split_labels
from bot.model.wording import sentences

Polarity = Literal["for", "against", "neutral"]

_LABELS_AFTER = re.compile(r"([.!?])\s*((?:[\[(【][^\])】]{4,40}[\])】]\s*)+)")
_REFUSAL = re.compile(
    r"^\W*(?:i['’]?m (?:sorry|unable|not able)|i am (?:sorry|unable|not able)|sorry|i can(?:not|['’]t)|as an ai|"
    r"i (?:won['’]t|will not|must decline))",
    re.IGNORECASE,
)


class ClaimSchema(BaseModel):
    """A sentence and the labels of the passages that it rests on."""

    text: str
    labels: list[str]
    option: str | None = None
    criterion: str | None = None
    polarity: Polarity = "neutral"


class JudgementSchema(BaseModel):
    """What the passages say of one platform on one need."""

    criterion: str = ""
    need: str = ""
    option: str
    finding: Literal["supported", "not_supported"]
    score: float = Field(ge=0, le=1)
    text: str
    labels: list[str]


class ReplySchema(BaseModel):
    """The answer: its sentences in order, and judgements of needs."""

    claims: list[ClaimSchema]
    judgements: list[JudgementSchema] = []


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a model with the labels that it gave."""

    text: str
    labels: tuple[str, ...]
    option: str | None = None
    criterion: str | None = None
    polarity: Polarity = "neutral"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A judgement that a model proposes. `criterion` is empty for a need of its own finding."""

    criterion: str
    need: str
    option: str
    finding: Literal["supported", "not_supported"]
    score: float
    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What could be read. `whole`: the text was complete; `refusal`: it declines instead of answering."""

    sentences: tuple[Sentence, ...]
    proposals: tuple[Proposal, ...] = ()
    whole: bool = True
    refusal: bool = False


def read_reply(text: str, *, ended: bool = True) -> Reply:
    """The reply in a model's text: a JSON object, alone, fenced or amid prose; else labelled prose.

    With `ended` false only sentences that can no longer change are given.
    """
    start = text.find("{")
    if start >= 0 and re.search(r'"(?:claims|judgements)"', text) is not None:
        return _from_json(text[start:], ended)
    if start >= 0 and not ended and len(text) - start < 200:
        return Reply((), whole=False)
    body = text.strip()
    found = [] if body.startswith(("{", "```")) and not ended else _prose(body, ended)
    return Reply(tuple(found), refusal=ended and _REFUSAL.match(body) is not None and not any(s.labels for s in found))


def _from_json(text: str, ended: bool) -> Reply:
    from langchain_core.utils.json import parse_partial_json

    whole = True
    try:
        value: Any = json.JSONDecoder(strict=False).raw_decode(text)[0]
    except ValueError:
        whole = False
        try:
            value = parse_partial_json(text)
        except ValueError:
            value = None
    if not isinstance(value, dict):
        return Reply((), whole=False)
    claims = _list(value.get("claims"))
    judgements = _list(value.get("judgements"))
    if not whole:
        # The last one may still grow, or was cut.
        claims, judgements = (claims, judgements[:-1]) if judgements else (claims[:-1], [])
    found = [sentence for claim in claims for sentence in _sentences(claim)]
    proposals = [proposal for each in judgements if (proposal := _proposal(each)) is not None]
    return Reply(tuple(found), tuple(proposals), whole=whole)


def _sentences(claim: Any) -> list[Sentence]:
    if isinstance(claim, str):
        claim = {"text": claim}
    if not isinstance(claim, dict) or not isinstance(claim.get("text"), str):
        return []
    text, inside = split_labels(claim["text"])
    labels = (*_labels(claim.get("labels", claim.get("citations"))), *inside)
    said = claim.get("polarity")
    polarity: Polarity = next((known for known in get_args(Polarity) if known == said), "neutral")
    return [
        Sentence(
            piece,
            tuple(dict.fromkeys(labels)),
            _word(claim.get("option")),
            _word(claim.get("criterion")),
            polarity,
        )
        for piece in sentences(text)
    ]


def _proposal(value: Any) -> Proposal | None:
    if not isinstance(value, dict) or value.get("finding") not in ("supported", "not_supported"):
        return None
    score, option, text = value.get("score"), _word(value.get("option")), value.get("text")
    if not isinstance(score, int | float) or isinstance(score, bool) or not option or not isinstance(text, str):
        return None
    if not 0 <= score <= 1:
        return None
    words, inside = split_labels(text)
    labels = tuple(dict.fromkeys((*_labels(value.get("labels")), *inside)))
    need = value.get("need")
    return Proposal(
        _word(value.get("criterion")) or "",
        need if isinstance(need, str) else "",
        option,
        value["finding"],
        float(score),
        words,
        labels,
    )


def _prose(text: str, ended: bool) -> list[Sentence]:
    pieces = list(sentences(_LABELS_AFTER.sub(_label_first, text)))
    if not ended:
        pieces = pieces[:-1]
    found = []
    for piece in pieces:
        words, labels = split_labels(piece)
        if words:
            found.append(Sentence(words, labels))
    return found


def _label_first(match: re.Match[str]) -> str:
    """Labels after a full stop belong before it."""
    _, labels = split_labels(match[2])
    return f" [{', '.join(labels)}]{match[1]} " if labels else match[0]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def _labels(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = re.split(r"[\s,;]+", value)
    return tuple(str(label).strip("[]()【】 ") for label in _list(value) if isinstance(label, str | int))


def _word(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() and value.strip() != "null" else None
