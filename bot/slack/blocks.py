"""An answer as Slack messages: the text to stream, and the blocks that close it. Pure functions, no vendor.

Every message keeps under Slack's documented limits: 50 blocks, 12,000 characters of Markdown a message, one table.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.answer import Answer
from bot.render_words import case_for, choice_name, is_weighed
from bot.slack.claims import claim_lines, runs, spoken, summary
from bot.slack.sources import LINES, grouped, sources_footer
from bot.slack.style import Style
from bot.slack.table import criteria_table
from bot.slack.text import cut, markdown, mrkdwn, mrkdwn_link, plain

Block = dict[str, Any]

MESSAGE = 11_000
"""Characters of one message: Slack counts Markdown up to 12,000 and refuses a message somewhat above it."""

MOST_BLOCKS = 45


@dataclass(frozen=True, slots=True)
class Message:
    """One Slack message: Markdown pieces that are streamed, the blocks after them, and a line for notifications."""

    text: tuple[str, ...]
    blocks: tuple[Block, ...]
    summary: str

    @property
    def all_blocks(self) -> list[Block]:
        """The whole message as blocks, for where it is not streamed."""
        return [*({"type": "markdown", "text": piece} for piece in self.text), *self.blocks]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a button is about: an answer, and the weights (by criterion id) that were moved since."""

    answer_id: str
    weights: Mapping[str, float] = field(default_factory=dict)

    def dumps(self) -> str:
        """As a button's value, at most 2,000 characters for every answer that can be shown."""
        return json.dumps([self.answer_id, dict(self.weights)], separators=(",", ":"))

    @classmethod
    def loads(cls, value: str) -> "Reference":
        """From a button's value. ValueError where it is none of ours."""
        loaded = json.loads(value)
        if not (isinstance(loaded, list) and len(loaded) == 2 and isinstance(loaded[1], dict)):
            raise ValueError("not the value of one of our buttons")
        return cls(str(loaded[0]), {str(key): float(weight) for key, weight in loaded[1].items()})


def render(
    answer: Answer,
    style: Style,
    *,
    private: bool = False,
    lead: str = "",
    weights: Mapping[str, float] | None = None,
) -> list[Message]:
    """The messages of an answer, the first one first. `lead` is Markdown that goes before it.

    `private`: shown to one person, so that sharing it is offered. `weights` are those that `answer` has beside the
    kept answer with its id; they go into the buttons.
    """
    blocks = [
        *criteria_table(answer, style),
        *changes(answer, style),
        *_contradictions(answer, style),
        *sources_footer(answer, style),
        *_notices(answer.notices),
        *_choices(answer),
        *_actions(answer, style, Reference(answer.id, weights or {}), private=private),
        *_feedback(answer),
    ]
    return pack([*([lead] if lead else []), *spoken(answer, style)], blocks, summary(answer, style))


def best_case(answer: Answer, style: Style, option: str) -> list[Message]:
    """What speaks for one option, with the sources it rests on."""
    points = case_for(answer, option)[:12]
    name = style.name(option)
    if not points:
        words = f"The sources found for this question say nothing for **{markdown(name)}**."
        return pack([words], [], mrkdwn(f"No case for {name}"))
    used = {n for _, citations in points for n in citations}
    cited = answer.model_copy(update={"citations": tuple(c for c in answer.citations if c.n in used)})
    lines = [line for text, citations in points for line in claim_lines(text, citations, answer, style)]
    text = runs([f"**The best case for {markdown(name)}**", *lines])
    return pack(text, sources_footer(cited, style), mrkdwn(f"The best case for {name}"))


def pack(text: Sequence[str], blocks: Sequence[Block], line: str) -> list[Message]:
    """Spreads pieces and blocks over as few messages as Slack's limits allow, in order; `line` is their summary."""
    messages: list[tuple[list[str], list[Block]]] = [([], [])]
    size = 0
    items: list[str | Block] = [*text, *blocks]
    for item in items:
        length = _length(item)
        pieces, shown = messages[-1]
        full = size + length > MESSAGE or len(pieces) + len(shown) >= MOST_BLOCKS
        if (pieces or shown) and (full or _second_table(item, shown)):
            messages.append(([], []))
            size = 0
        size += length
        if isinstance(item, str):
            messages[-1][0].append(item)
        else:
            messages[-1][1].append(item)
    return [Message(tuple(pieces), tuple(shown), line) for pieces, shown in messages]


def button(action: str, label: str, value: str) -> Block:
    """A button element."""
    text = {"type": "plain_text", "text": cut(plain(label), 75), "emoji": False}
    return {"type": "button", "action_id": action, "text": text, "value": value}


def section(text: str) -> Block:
    """A section of mrkdwn."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def changes(answer: Answer, style: Style) -> list[Block]:
    """What would change the verdict, as sections; empty where nothing does."""
    return _listed(
        "What would change this",
        [
            f"• {mrkdwn(cut(change.text, 300))}: *{mrkdwn(choice_name(change.to, style.options))}*"
            for change in answer.verdict.would_change[:4]
        ],
    )


def _contradictions(answer: Answer, style: Style) -> list[Block]:
    lines: list[str] = []
    for one in answer.contradictions[:4]:
        first, second = (mrkdwn_link(f"[{n}]", style.url_of(answer, n) or "") for n in one.between)
        if len(first) + len(second) > LINES // 2:
            first, second = (f"[{n}]" for n in one.between)
        lines.append(f"• {first} and {second} on {mrkdwn(cut(one.about, 200))}")
    return _listed("The sources disagree", lines)


def _listed(title: str, lines: Sequence[str]) -> list[Block]:
    return [section(group) for group in grouped([f"*{title}*", *lines])] if lines else []


def _notices(notices: Sequence[str]) -> list[Block]:
    elements = [{"type": "mrkdwn", "text": mrkdwn(cut(notice, 500))} for notice in notices[:5] if notice.strip()]
    return [{"type": "context", "elements": elements}] if elements else []


def _choices(answer: Answer) -> list[Block]:
    """What can be asked with one tap: the choices of a question back, else the follow-ups."""
    asked = answer.clarification.choices[:5] if answer.clarification else answer.follow_ups[:3]
    buttons = [button(f"ask_{number}", text, cut(text, 2000)) for number, text in enumerate(asked) if plain(text)]
    return [{"type": "actions", "elements": buttons}] if buttons else []


def _actions(answer: Answer, style: Style, reference: Reference, *, private: bool) -> list[Block]:
    if answer.kind in ("smalltalk", "clarification"):
        return []
    value = reference.dumps()
    other = style.other(answer.verdict.choice)
    buttons = [button("best_case", f"Best case for {other.name}", value)] if other else []
    if is_weighed(answer.criteria):
        buttons.append(button("change_weights", "Change weights", value))
        buttons.append(button("save_decision", "Save as decision", value))
    if private:
        buttons.append(button("share", "Share to channel", value))
    page = style.page(answer)
    if page:
        buttons.append(button("open_browser", "Open in browser", value) | {"url": page})
    return [{"type": "actions", "elements": buttons}] if buttons else []


def _feedback(answer: Answer) -> list[Block]:
    if answer.kind == "smalltalk":
        return []
    element = {
        "type": "feedback_buttons",
        "action_id": "feedback",
        "positive_button": {"text": {"type": "plain_text", "text": "Helpful"}, "value": f"up:{answer.id}"},
        "negative_button": {"text": {"type": "plain_text", "text": "Not helpful"}, "value": f"down:{answer.id}"},
    }
    return [{"type": "context_actions", "elements": [element]}]


def _length(item: object) -> int:
    """Characters that a reader sees: what Slack's limits count."""
    if isinstance(item, str):
        return len(item)
    if isinstance(item, dict):
        return sum(_length(value) for key, value in item.items() if key == "text" or not isinstance(value, str))
    return sum(_length(value) for value in item) if isinstance(item, list) else 0


def _second_table(item: str | Block, blocks: Sequence[Block]) -> bool:
    return isinstance(item, dict) and item["type"] == "table" and any(block["type"] == "table" for block in blocks)
