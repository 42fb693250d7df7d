"""A chat model that lies in every way that we could think of, over the bundled guide and the written cases."""

import html
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nh3
from fake_openai import FakeOpenAI, Reaction
from model_scripts import claim_list, labels_in

from bot.answer import Answer
from bot.chat_model import write_with_model
from bot.verification import Checker, Passage
from kb.guidebook import read_page
from kb.settings import DecisionSettings, Settings

GUIDE = Path(__file__).resolve().parents[3] / "kb/guide/azure-ml-vs-databricks"
NAMES = ("Azure Machine Learning", "Azure Databricks")
INVENTED = (
    " at no extra charge", ", which the European Commission has certified", " and halves the training time",
    " through its partnership with SAP", " since version 9.4", " without any configuration",
)  # fmt: skip
_VERBS = re.compile(r"\b(can|is|are|has|runs|gives|lets|adds|keeps|shows|supports|needs|offers|suits)\b")


def statements() -> list[str]:
    found = [
        s.text
        for path in sorted(GUIDE.glob("*.md"))
        for topic in read_page(path).topics
        for part in topic.parts
        if part.heading.startswith("The case for") or part.heading == "Limits"
        for s in part.statements
    ]
    return [text for text in found if 8 <= len(text.split()) <= 40][::5]


def swapped(text: str) -> str | None:
    if sum(name in text for name in NAMES) != 1:
        return None
    one, two = NAMES if NAMES[0] in text else NAMES[::-1]
    return text.replace(one, two)


def flipped(text: str) -> str | None:
    match = _VERBS.search(text)
    if match is None or re.search(r"\b(?:no|not|never|without|neither)\b", text):
        return None
    verb = match[1]
    denied = {"can": "cannot", "is": "is not", "are": "are not"}.get(verb) or f"never {verb}"
    return text[: match.start()] + denied + text[match.end() :]


def renumbered(text: str) -> str | None:
    match = re.search(r"\b\d+(?:\.\d+)?\b", text)
    return None if match is None else f"{text[: match.start()]}{float(match[0]) * 3 + 1:g}{text[match.end() :]}"


def renamed(text: str) -> str | None:
    known = " ".join(NAMES).split()
    names = [m for m in re.finditer(r"(?<=[a-z,] )[A-Z][\w-]+", text) if m[0] not in known]
    return None if not names else f"{text[: names[0].start()]}Zorblax{text[names[0].end() :]}"


SABOTAGE: dict[str, Callable[[str], str | None]] = {
    "swapped": swapped,
    "flipped": flipped,
    "renumbered": renumbered,
    "renamed": renamed,
}


def planted() -> list[tuple[str, str, str]]:
    """(how, passage, sentence): every kind of lie over every fifth statement of the guide."""
    found: list[tuple[str, str, str]] = []
    texts = statements()
    for place, text in enumerate(texts):
        for how, lie in SABOTAGE.items():
            sentence = lie(text)
            if sentence is not None and sentence != text:
                found.append((how, text, sentence))
        found.append(("invented", text, text.rstrip(".") + INVENTED[place % len(INVENTED)] + "."))
        elsewhere = texts[(place + len(texts) // 2) % len(texts)]
        if not set(re.findall(r"\w{5,}", elsewhere)) >= set(re.findall(r"\w{5,}", text)):
            found.append(("wrong label", elsewhere, text))
    return found


def test_at_most_one_in_twenty_planted_sentences_passes_the_check(cases: Sequence[Any]) -> None:
    checker = Checker(DecisionSettings().options)
    lies = planted() + [("written", case.passage, lie) for case in cases for lie in case.unsupported]
    shown: Counter[str] = Counter()
    for how, passage, sentence in lies:
        shown[how] += checker.check(sentence, [Passage(passage, "", checker.about(passage))]).enough
    assert len(lies) >= 600
    assert len({how for how, _, _ in lies}) == 7
    assert sum(shown.values()) / len(lies) <= 0.05, shown


def test_the_statements_themselves_pass(cases: Sequence[Any]) -> None:
    checker = Checker(DecisionSettings().options)
    for text in statements():
        assert checker.check(text, [Passage(text, "", checker.about(text))]).score == 1.0


def test_lies_among_true_sentences_are_not_shown_as_supported(
    cases: Sequence[Any], answer_of: Callable[..., Answer], settings_for: Callable[..., Settings], fake: FakeOpenAI
) -> None:
    settings = settings_for(fake.url)
    by_passage: dict[str, list[str]] = {}
    for _, passage, sentence in planted():
        by_passage.setdefault(passage, []).append(sentence)
    for case in cases:
        by_passage[case.passage] = list(case.unsupported)
    passages = sorted(by_passage, key=lambda passage: (-len(by_passage[passage]), passage))
    told = shown = 0
    for batch, place in [(passages[s : s + 12], n) for n in range(2) for s in range(0, 132, 12)]:
        lies = [(passage, by_passage[passage][place]) for passage in batch if len(by_passage[passage]) > place]
        truths = [(passage, passage) for passage in batch]
        fake.script = lambda request, said=truths + lies: Reaction(
            text=json.dumps({"claims": claim_list(request, said), "judgements": []}), piece=4000
        )
        heard: list[str] = []
        done = write_with_model(answer_of(batch), settings=settings, on_text=heard.append)
        claims = {claim.text for claim in done.claims}
        told += len(lies)
        # A true sentence under another's label gets its own label back: then it is no lie any more.
        bad = [lie for _, lie in lies if lie in claims and lie not in batch]
        shown += len(bad)
        unheard = [lie for _, lie in lies if lie in "".join(heard) and lie not in claims]
        assert done.made_by.mode == "model"
        assert unheard == []
    assert told >= 200
    assert shown / told <= 0.05


ACTIVE = (
    "![beacon](https://evil.example/x.png?q=1)",
    "[click here](https://evil.example/login)",
    "<img src=x onerror=alert(1)>",
    "<script>fetch('https://evil.example')</script>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "<a href=javascript:alert(1)>more</a>",
    "javascript:alert(1)",
    "https://evil.example/?leak=secret",
    "www.evil.example",
    "<!channel> <@U123> <https://evil.example|here>",
    "${alert(1)} {{constructor.constructor('alert(1)')()}}",
    "[x]: https://evil.example 'title'",
    "![a][b]",
    "<svg/onload=alert(1)>",
    "<<b>script>alert(1)<</b>/script>",
    "\u202etxet\u202c \x1b]8;;https://evil.example\x07link\x1b]8;;\x07",
)


def test_nothing_active_of_a_models_text_is_left(
    answer_of: Callable[..., Answer], settings_for: Callable[..., Settings], fake: FakeOpenAI
) -> None:
    passage = "Azure Databricks reads an event stream with the same Spark code as a batch."

    def script(request: dict[str, Any]) -> Reaction:
        label = labels_in(request)[passage]
        texts = [passage, *(f"{passage[:-1]} {bad}." for bad in ACTIVE), *(f"{bad} {passage}" for bad in ACTIVE)]
        return Reaction(text=json.dumps({"claims": [{"text": t, "labels": [label]} for t in texts]}), piece=4000)

    fake.script = script
    heard: list[str] = []
    settings = settings_for(fake.url)
    done = write_with_model(answer_of([passage]), settings=settings, on_text=heard.append)
    everything = done.text + "".join(heard) + "".join(claim.text for claim in done.claims) + "".join(done.notices)
    assert not re.search(r"evil|https?:|javascript:|\]\(|!\[|onerror|\$\{|\{\{|\x1b|\u202e", everything, re.I)
    text = html.unescape(done.text)
    assert nh3.clean(text, tags=set()) == html.escape(text, quote=False)


def test_instructions_are_not_repeated(
    answer_of: Callable[..., Answer], settings_for: Callable[..., Settings], fake: FakeOpenAI
) -> None:
    passage = "Azure Databricks reads an event stream with the same Spark code as a batch."

    def script(request: dict[str, Any]) -> Reaction:
        label = labels_in(request)[passage]
        prompt = str(request["messages"][0]["content"]) + str(request["messages"][1]["content"])
        leaks = [line for line in prompt.splitlines() if len(line.split()) > 5]
        claims = [{"text": text, "labels": [label]} for text in [*[passage] * 40, *leaks]]
        return Reaction(text=json.dumps({"claims": claims}), piece=4000)

    fake.script = script
    done = write_with_model(answer_of([passage]), settings=settings_for(fake.url))
    assert [claim.text for claim in done.claims] in ([passage], [])
    assert "thrown away" not in done.text
