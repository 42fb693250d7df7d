"""Slack answers what `whichway ask` answers: twenty golden questions on the bundled guide, asked both ways."""

import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from asked_bases import Base
from command_line import whichway
from fake_slack import FakeSlack, Posted
from slack_office import running_bot

from bot.answer import Answer
from bot.desk import Desk
from bot.office import open_desk
from bot.render_words import headline
from evals.golden import Case, load_golden

GOLDEN = Path(__file__).resolve().parents[3] / "evals" / "data" / "guide.yaml"
LINK = re.compile(r"(?<!\\)\[(\d+)\]\(([^)\s]+)\)")


def twenty(cases: Sequence[Case]) -> list[Case]:
    """Of as many kinds and right choices as there are, the first of each before the second of any."""
    seen: Counter[tuple[str, str | None]] = Counter()
    ranked = []
    for case in cases:
        seen[case.kind, case.choice] += 1
        ranked.append((seen[case.kind, case.choice], case))
    return [case for _, case in sorted(ranked, key=lambda found: found[0])[:20]]


CASES = twenty(load_golden(GOLDEN).of_split("dev"))


@pytest.fixture(scope="module")
def asked(guide_base: Base, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Answer]:
    """What `whichway ask` answers, by the id of the question."""
    lines = [
        json.dumps({"id": case.id, "question": case.question, "history": [turn.model_dump() for turn in case.history]})
        for case in CASES
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("asking"))
        done = whichway("--home", guide_base.settings.home, "ask", "--jsonl", stdin="\n".join(lines))
    assert done.code == 0, done.err
    answers = [Answer.model_validate_json(line) for line in done.out.splitlines()]
    assert len(answers) == 20 and sum(answer.verdict.choice is not None for answer in answers) >= 8
    return {str(answer.request_id): answer for answer in answers}


@pytest.fixture(scope="module")
def desk(guide_base: Base, slack: FakeSlack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The desk that `whichway slack` opens; the bot runs on it."""
    with open_desk(guide_base.settings) as opened, running_bot(slack, opened, tmp_path_factory.mktemp("slack")):
        yield opened


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_slack_gives_the_verdict_and_the_citations_that_ask_gives(
    case: Case, asked: Mapping[str, Answer], desk: Desk, slack: FakeSlack, channel: str
) -> None:
    told = asked[case.id]
    thread = talk(slack, case, channel)
    ts = slack.mention(html.escape(case.question, quote=False), channel=channel, thread_ts=thread)
    slack.reply(thread or ts, 1 + sum(turn.role == "assistant" for turn in case.history), timeout=30)
    said = [reply for reply in slack.replies(thread or ts) if float(reply.ts) > float(ts)]
    assert slack.refused == []

    if told.kind == "smalltalk":
        assert said[0].markdown.replace("\\", "") == told.text
        return
    (feedback,) = (block for reply in said for block in reply.blocks if block["type"] == "context_actions")
    answer_id = feedback["elements"][0]["positive_button"]["value"].removeprefix("up:")
    answer = desk.store.answer(answer_id)
    assert answer is not None
    own = {"id", "request_id", "timings_ms"}
    assert answer.model_dump(exclude=own) == told.model_dump(exclude=own)
    shows_verdict(said, told, desk)
    shows_citations(said, told)


def talk(slack: FakeSlack, case: Case, channel: str) -> str | None:
    """Puts what was said before into a thread, and says which; None where nothing was."""
    thread: str | None = None
    for turn in case.history:
        ts = slack.ts()
        thread = thread or ts
        words = html.escape(turn.content, quote=False)
        user = {} if turn.role == "assistant" else {"user": "UASKER001"}
        slack.posted.append(Posted(channel, ts, thread, text=words, **user))
    return thread


def shows_verdict(said: Sequence[Posted], told: Answer, desk: Desk) -> None:
    """The headline, and how sure it is."""
    first = said[0].markdown.split("\n")[0]
    title = headline(told, desk.settings.decision.options)
    assert first.replace("\\", "").startswith(f"**{title}**" if title else "")
    if told.verdict.choice is None:
        assert "%)" not in first
    else:
        assert first.endswith(f"({told.verdict.confidence:.0%})")


def shows_citations(said: Sequence[Posted], told: Answer) -> None:
    """Each citation in the footer under its number, with its section; each number in the text opens its address."""
    footer = [
        line
        for reply in said
        for block in reply.blocks
        if block["type"] == "context"
        for line in block["elements"][0]["text"].splitlines()
        if re.match(r"\[\d+\] ", line)
    ]
    assert [int(line[1 : line.index("]")]) for line in footer] == sorted(c.n for c in told.citations)[:20]
    for line in footer:
        citation = told.citation(int(line[1 : line.index("]")]))
        assert citation.section[-1][:30] in html.unescape(line)
    shown = {(int(n), html.unescape(url)) for reply in said for n, url in LINK.findall(reply.markdown)}
    assert {n for claim in told.claims for n in claim.citations} <= {n for n, _ in shown}
    opens = {c.n: {c.url, *(basis.url for basis in c.basis)} for c in told.citations}
    assert [pair for pair in shown if pair[1] not in opens[pair[0]]] == []
