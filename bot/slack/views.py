"""The modals: weights, where to share, what was wrong. Pure functions; a modal's state travels in its metadata."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.answer import Answer, Criterion
from bot.render import reweighed
from bot.render_words import POLARITY_WORDS, confidence_words, headline, weight_words
from bot.slack.blocks import Block, changes, section
from bot.slack.style import Style
from bot.slack.text import cut, mrkdwn, plain
from bot.verdict import decide

LEVELS = (0.0, 0.5, 1.0, 2.0, 3.0)
"""The weights that can be chosen, beside the one that a need came with."""

MOST_NEEDS = 40


@dataclass(frozen=True, slots=True)
class Place:
    """Where a button was pressed, so that what follows appears there. `response_url`: only its user sees it."""

    channel: str
    thread: str
    user: str
    response_url: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What a modal is about, kept in its `private_metadata` (at most 3,000 characters)."""

    answer_id: str
    place: Place
    weights: Mapping[str, float]

    def dumps(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def loads(cls, text: str) -> "Held":
        """From a modal. ValueError, KeyError or TypeError where it is none of ours."""
        loaded = json.loads(text)
        return cls(loaded["answer_id"], Place(**loaded["place"]), loaded["weights"])


def with_weights(answer: Answer, weights: Mapping[str, float]) -> Answer:
    """The answer as these weights, by criterion id, make it: the same evidence, the verdict decided anew."""
    criteria = reweighed(answer.criteria, weights)
    if criteria == answer.criteria:
        return answer
    return answer.model_copy(update={"criteria": criteria, "verdict": decide(criteria)})


def weights_view(answer: Answer, held: Held, style: Style) -> dict[str, Any]:
    """The verdict as the held weights give it, over a menu a need. `answer` is the one that was kept."""
    moved = with_weights(answer, held.weights)
    found = moved.verdict
    sure = f" · {confidence_words(found.confidence).lower()} ({found.confidence:.0%})" if found.choice else ""
    lines = [f"*{mrkdwn(headline(moved, style.options) or 'No clear choice')}*{sure}"]
    lines += [mrkdwn(cut(found.reason, 600))] if found.reason else []
    blocks: list[Block] = [section("\n".join(lines))]
    blocks += [*changes(moved, style), {"type": "divider"}]
    own = {criterion.id: criterion.weight for criterion in answer.criteria}
    shown = [criterion for criterion in moved.criteria if criterion.cells][:MOST_NEEDS]
    blocks += [_menu(criterion, own[criterion.id]) for criterion in shown]
    return _modal("weights", "Change weights", held, blocks, submit="Post this")


def share_view(held: Held) -> dict[str, Any]:
    """Where to post a private answer: any conversation of the user's, whether the bot is in it or not."""
    menu = {
        "type": "conversations_select",
        "action_id": "channel",
        "response_url_enabled": True,
        "default_to_current_conversation": True,
        "filter": {"include": ["public", "private", "mpim"], "exclude_bot_users": True},
    }
    block = {"type": "input", "block_id": "where", "label": _text("Post the answer in"), "element": menu}
    return _modal("share", "Share the answer", held, [block], submit="Share")


def feedback_view(held: Held) -> dict[str, Any]:
    """What was wrong with an answer."""
    field = {"type": "plain_text_input", "action_id": "comment", "multiline": True, "max_length": 2000}
    label = _text("What was wrong or missing, and what would be right?")
    block = {"type": "input", "block_id": "said", "optional": True, "label": label, "element": field}
    return _modal("feedback_comment", "What went wrong?", held, [block], submit="Send")


def chosen_weights(state: Mapping[str, Any], criteria: Sequence[Criterion]) -> dict[str, float]:
    """The weights that the menus show and that differ from the answer's own, by criterion id."""
    own = {criterion.id: criterion.weight for criterion in criteria}
    found: dict[str, float] = {}
    for block_id, fields in state.items():
        criterion = block_id.removeprefix("need:")
        option = fields.get("weight", {}).get("selected_option") if isinstance(fields, dict) else None
        if criterion in own and option and float(option["value"]) != own[criterion]:
            found[criterion] = float(option["value"])
    return found


def _menu(criterion: Criterion, own: float) -> Block:
    levels = sorted({*LEVELS, own, criterion.weight})
    options = [{"text": _text(_level(level)), "value": str(level)} for level in levels]
    menu = {
        "type": "static_select",
        "action_id": "weight",
        "options": options,
        "initial_option": options[levels.index(criterion.weight)],
    }
    note = "" if criterion.polarity == "wanted" else f" _({POLARITY_WORDS[criterion.polarity]})_"
    words = section(mrkdwn(cut(plain(criterion.text), 300)) + note)
    return words | {"block_id": f"need:{criterion.id}", "accessory": menu}


def _level(weight: float) -> str:
    return f"{weight_words(weight)} (×{weight:g})".capitalize()


def _modal(callback: str, title: str, held: Held, blocks: Sequence[Block], *, submit: str) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": callback,
        "title": _text(title),
        "submit": _text(submit),
        "close": _text("Cancel"),
        "private_metadata": held.dumps(),
        "blocks": list(blocks),
    }


def _text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}
