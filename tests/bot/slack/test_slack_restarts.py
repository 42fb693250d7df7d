"""Bots of their own, one after the other: restarts and limits."""

from pathlib import Path

import pytest
from fake_slack import BOT, FakeSlack, Fault
from slack_office import Sample, Script, Texts, office

from bot.slack.limits import Limits


def test_an_event_is_known_after_a_restart(
    slack: FakeSlack, tmp_path: Path, sample: Sample, section_texts: Texts, channel: str
) -> None:
    event = slack.message(f"<@{BOT}> which one?", channel=channel) | {"type": "app_mention"}
    for _ in range(2):
        script = Script(sample)
        with office(slack, tmp_path, script, section_texts) as running:
            slack.acked(slack.event(event, event_id="EvAgain1"))
            slack.acked(slack.event(event | {"type": "message"}, event_id="EvAgain2"))
            slack.reply(event["ts"])
            assert running.bot.lanes.wait(5)
    assert script.asked == []
    assert len(slack.replies(event["ts"])) == 1


def test_an_open_thread_stays_open_and_remembered_over_a_restart(
    slack: FakeSlack, tmp_path: Path, sample: Sample, section_texts: Texts, channel: str
) -> None:
    with office(slack, tmp_path, Script(sample), section_texts):
        ts = slack.mention("which one for streaming?", channel=channel)
        slack.reply(ts)
    script = Script(sample)
    with office(slack, tmp_path, script, section_texts):
        slack.say("and for batch?", channel=channel, thread_ts=ts)
        slack.reply(ts, 2)
    assert script.asked[0].history[0].content == "which one for streaming?"


def test_what_could_not_be_said_while_slack_was_away_is_said_by_the_next_start(
    slack: FakeSlack,
    tmp_path: Path,
    sample: Sample,
    section_texts: Texts,
    channel: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with office(slack, tmp_path, Script(sample), section_texts) as running:
        slack.fail("chat.startStream", *[Fault("internal_error")] * 20)
        slack.fail("chat.postMessage", *[Fault("internal_error")] * 20)
        ts = slack.mention("which one for streaming?", channel=channel)
        slack.wait(lambda: slack.called("chat.startStream", channel=channel))
        assert running.bot.lanes.wait(20)
        assert [request.ts for request in running.bot.inbox.unfinished()] == [ts]
    assert slack.replies(ts) == [] and "left for the next start" in caplog.text
    slack.heal()
    with office(slack, tmp_path, Script(sample), section_texts) as running:
        assert slack.reply(ts).markdown.startswith("**Use Azure Databricks**")
        assert running.bot.lanes.wait(5)
        assert running.bot.inbox.unfinished() == []
    assert len(slack.replies(ts)) == 1


def test_over_the_limit_one_polite_notice_and_no_answer(
    slack: FakeSlack, tmp_path: Path, sample: Sample, section_texts: Texts, channel: str, direct: str
) -> None:
    script = Script(sample)
    with office(slack, tmp_path, script, section_texts, limits=Limits(per_user=2, per_minute=3)) as running:
        for n in range(4):
            slack.acked(slack.event(slack.message(f"<@{BOT}> question {n}", channel=channel)))
        slack.wait(lambda: [e for e in slack.ephemeral if e["channel"] == channel])
        slack.reply(slack.say("mine too", channel=direct, user="UOTHER001"))
        slack.acked(slack.event(slack.message("and mine", channel=direct, user="UTHIRD001")))
        slack.wait(lambda: [p for p in slack.posted if p.channel == direct and "Many questions" in p.markdown])
        assert running.bot.lanes.wait(5)
        assert running.bot.inbox.unfinished() == []
    (notice,) = [e for e in slack.ephemeral if e["channel"] == channel]
    assert notice["user"] == "UASKER001"
    assert notice["text"].startswith("You have asked a lot in the last minute, so I left this one out.")
    # Two threads are answered side by side: what was asked is promised, which of the two came first is not.
    assert sorted(q.text for q in script.asked) == ["mine too", "question 0", "question 1"]
