"""At most once and in order, whatever Slack and the network do."""

import threading

import pytest
from fake_slack import BOT, Fault
from slack_office import Office


def test_a_retry_of_a_slow_answer_is_acknowledged_and_not_answered_again(at_work: Office, channel: str) -> None:
    slack, script = at_work.slack, at_work.script
    script.gate.clear()
    event = slack.message(f"<@{BOT}> wait a while", channel=channel) | {"type": "app_mention"}
    slack.acked(slack.event(event, event_id="EvRetried1"))
    slack.wait(lambda: slack.status(event["ts"]))
    for retry in (1, 2, 3):
        slack.acked(slack.event(event, event_id="EvRetried1", retry=retry))
    script.gate.set()
    slack.reply(event["ts"])
    slack.acked(slack.event(event, event_id="EvRetried1", retry=3))
    assert at_work.bot.lanes.wait(5)
    assert (script.times("wait a while"), len(slack.replies(event["ts"]))) == (1, 1)


def test_a_follow_up_that_overtakes_its_mention_is_answered_after_it(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    root = slack.message(f"<@{BOT}> first question", channel=channel)
    follow_up = slack.message("second question", channel=channel, thread_ts=root["ts"])
    slack.acked(slack.event(follow_up))
    slack.acked(slack.event(root))
    slack.reply(root["ts"], 2)
    said = [q.text for q in at_work.script.asked if q.text in ("first question", "second question")]
    assert said == ["first question", "second question"]


def test_follow_ups_that_come_in_the_wrong_order_are_answered_in_the_right_one(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    root = slack.mention("start", channel=channel)
    slack.reply(root)
    events = [slack.message(f"part {n}", channel=channel, thread_ts=root) for n in range(4)]
    for event in reversed(events):
        slack.event(event)
    slack.reply(root, 5)
    assert [q.text for q in at_work.script.asked if q.text.startswith("part ")][-4:] == [f"part {n}" for n in range(4)]


def test_a_rate_limited_call_waits_as_long_as_slack_says(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    slack.fail("chat.startStream", Fault(retry_after=1))
    slack.fail("chat.stopStream", Fault(retry_after=1))
    ts = slack.mention("which one for streaming?", channel=channel)
    reply = slack.reply(ts)
    first, second = slack.called("chat.startStream", channel=channel)
    assert second.at - first.at >= 1
    assert (len(slack.replies(ts)), reply.edits) == (1, 0)


@pytest.mark.parametrize("method", ["chat.appendStream", "chat.stopStream"])
def test_an_expired_stream_is_finished_by_an_edit(at_work: Office, channel: str, method: str) -> None:
    slack = at_work.slack
    slack.fail(method, Fault("message_not_in_streaming_state"))
    ts = slack.mention("which one for streaming?", channel=channel)
    reply = slack.reply(ts)
    assert reply.edits == 1
    assert reply.markdown.startswith("**Use Azure Databricks**")
    assert reply.blocks[-1]["type"] == "context_actions"
    assert len(slack.replies(ts)) == 1


def test_where_streams_are_not_to_be_had_the_answer_is_posted(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    slack.fail("chat.startStream", Fault("unknown_method"))
    reply = slack.reply(slack.mention("which one for streaming?", channel=channel))
    assert reply.markdown.startswith("**Use Azure Databricks**")
    assert slack.called("chat.postMessage", channel=channel)


def test_an_answer_beats_its_table(at_work: Office, channel: str, caplog: pytest.LogCaptureFixture) -> None:
    slack = at_work.slack
    slack.fail("chat.stopStream", Fault("msg_blocks_too_long"))
    slack.fail("chat.update", Fault("msg_blocks_too_long"))
    reply = slack.reply(slack.mention("which one for streaming?", channel=channel))
    assert [block["type"] for block in reply.blocks] == ["markdown"] * 3
    assert "blocks refused" in caplog.text


@pytest.mark.parametrize("done", [True, False], ids=["after it was posted", "before it was posted"])
def test_a_connection_that_breaks_posts_one_reply(at_work: Office, channel: str, done: bool) -> None:
    slack = at_work.slack
    gate = threading.Event()
    gate.set()
    slack.fail("chat.startStream", Fault(gate=gate, done=done))
    ts = slack.mention("which one for streaming?", channel=channel)
    reply = slack.reply(ts)
    assert reply.markdown.startswith("**Use Azure Databricks**")
    assert [p.ts for p in slack.posted if p.thread_ts == ts] == [reply.ts]
    assert at_work.script.times("which one for streaming?") > 0


def test_an_apology_takes_the_place_of_what_was_half_sent(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    gate = threading.Event()
    gate.set()
    slack.fail("chat.startStream", Fault(gate=gate, done=True))
    slack.fail("chat.update", Fault("cant_update_message"))
    ts = slack.mention("which one for streaming?", channel=channel)
    slack.wait(lambda: [p for p in slack.posted if p.thread_ts == ts and "went wrong" in p.markdown])
    assert at_work.bot.lanes.wait(5)
    assert len([p for p in slack.posted if p.thread_ts == ts]) == 1


def test_a_channel_that_is_gone_ends_the_matter(
    at_work: Office, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    slack = at_work.slack
    for method in ("chat.startStream", "chat.postMessage"):
        slack.fail(method, Fault("channel_not_found"), Fault("channel_not_found"))
    slack.mention("which one for streaming?", channel=channel)
    slack.wait(lambda: len(slack.called("chat.postMessage", channel=channel)) == 2)
    assert at_work.bot.lanes.wait(5)
    assert at_work.bot.inbox.unfinished() == []
    assert "request failed" in caplog.text
    slack.heal()
