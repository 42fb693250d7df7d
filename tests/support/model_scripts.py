"""Scripts for the fake chat model: it answers from the passages in its prompt."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from fake_openai import Reaction

from bot.model.labels import SIGN


def labels_in(request: dict[str, Any]) -> dict[str, str]:
    """Passage to label, as the prompt of a request shows them."""
    text = "\n".join(str(message["content"]) for message in request["messages"])
    found = re.findall(r"^\[(k[a-z2-7]{4})\] (.*)$", text, re.M)
    return {words.replace(SIGN, " ").partition(" | ")[2]: label for label, words in found}


def claim_list(request: dict[str, Any], sentences: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """Claims for (passage cited, sentence) pairs; a passage that is not there gives a label that is not."""
    labels = labels_in(request)
    return [{"text": text, "labels": [labels.get(passage, "kzzzz")]} for passage, text in sentences]


def replying(
    sentences: Sequence[tuple[str, str]], judgements: Sequence[dict[str, Any]] = (), **how: Any
) -> Callable[[dict[str, Any]], Reaction]:
    """A script that always says these sentences; a judgement's `labels` are passages."""

    def script(request: dict[str, Any]) -> Reaction:
        labels = labels_in(request)
        judged = [{**j, "labels": [labels.get(passage, "kzzzz") for passage in j["labels"]]} for j in judgements]
        reply = {"claims": claim_list(request, sentences), "judgements": judged}
        return Reaction(text=json.dumps(reply), **how)

    return script
