"""Who is answered, where, and what it looks like."""

import re
from typing import Any

import pytest
from fake_slack import BOT, FakeSlack, Fault, Posted
from slack_limits import pings
from slack_office import Office


def test_a_mention_is_answered_once_in_its_thread_though_slack_sends_two_events(at_work: Office, channel: str) -> None:
    ts = at_work.slack.mention("which one for streaming?", channel=channel)
    reply = at_work.slack.reply(ts)
    assert reply.markdown.startswith("**Use Azure Databricks** · fairly sure (78%)")
    assert "- One code for streams and batches. [1](https://example.org/guide#streaming)" in reply.markdown
    assert at_work.bot.lanes.wait(5)
    assert at_work.script.times("which one for streaming?") == 1
    assert [p.ts for p in at_work.slack.posted if p.channel == channel] == [reply.ts]


def test_a_reply_streams_its_text_and_ends_with_table_sources_buttons_and_feedback(
    at_work: Office, channel: str
) -> None:
    slack = at_work.slack
    reply = slack.reply(slack.mention("how does it stream?", channel=channel))
    mine = [c.method for c in slack.calls if channel in (c.args.get("channel"), c.args.get("channel_id"))]
    assert mine[0] == mine[-1] == "assistant.threads.setStatus"
    assert mine[1:-1] == ["chat.startStream", "chat.appendStream", "chat.appendStream", "chat.stopStream"]
    assert [block["type"] for block in reply.blocks] == [
        "table",
        "section",
        "section",
        "context",
        "actions",
        "actions",
        "context_actions",
    ]
    sources = reply.blocks[3]["elements"][0]["text"].splitlines()
    assert sources[0].startswith("[1] <https://example.org/guide#streaming|whichway guide › Data engineering")
    assert "based on <https://docs.example.org/delta-streaming/|Table streaming reads and writes>" in sources[0]
    assert re.search(r"published October 2023 \(\d+ years ago\)$", sources[2])
    assert "Share to channel" not in reply.words
    assert reply.button("open_browser")["url"].startswith("https://ask.example.org/?a=a-")


def test_the_status_is_set_while_working_and_cleared_after(at_work: Office, channel: str) -> None:
    slack, script = at_work.slack, at_work.script
    script.gate.clear()
    ts = slack.mention("wait for it", channel=channel)
    slack.wait(lambda: slack.status(ts) == "is reading the sources…")
    assert not slack.replies(ts)
    script.gate.set()
    slack.reply(ts)
    assert slack.status(ts) == ""


def test_a_direct_message_is_answered_under_it_and_offers_to_share(at_work: Office, direct: str) -> None:
    ts = at_work.slack.say("which one for streaming?", channel=direct)
    reply = at_work.slack.reply(ts)
    assert reply.channel == direct
    assert reply.button("share")["text"]["text"] == "Share to channel"


def test_follow_ups_need_no_mention_and_see_what_was_said(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    ts = slack.mention("which one for streaming?", channel=channel)
    slack.reply(ts)
    slack.say("and for serving?", channel=channel, thread_ts=ts)
    slack.reply(ts, 2)
    asked = at_work.script.asked[-1]
    assert asked.text == "and for serving?"
    assert [(turn.role, turn.content[:24]) for turn in asked.history] == [
        ("user", "which one for streaming?"),
        ("assistant", "Use Azure Databricks\n\n**"),
    ]


def test_told_to_stop_it_is_quiet_until_it_is_mentioned_again(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    ts = slack.mention("which one for streaming?", channel=channel)
    slack.reply(ts)
    slack.say("Stop, please!", channel=channel, thread_ts=ts)
    assert "stay quiet" in slack.reply(ts, 2).markdown
    slack.say("what do you all think?", channel=channel, thread_ts=ts)
    slack.mention("and for batch?", channel=channel, thread_ts=ts)
    slack.reply(ts, 3)
    slack.say("and for notebooks?", channel=channel, thread_ts=ts)
    slack.reply(ts, 4)
    assert at_work.script.times("what do you all think?") == 0
    assert at_work.script.asked[-1].text == "and for notebooks?"


IGNORED = {
    "an edit": {"subtype": "message_changed"},
    "a deletion": {"subtype": "message_deleted"},
    "a join": {"subtype": "channel_join"},
    "another bot": {"bot_id": "B999", "user": "U999"},
    "a bot's message": {"subtype": "bot_message", "user": None},
    "itself": {"user": BOT},
    "Slackbot": {"user": "USLACKBOT"},
    "an edited mention": {"edited": {"user": "UASKER001", "ts": "1"}},
    "silence": {"text": f"<@{BOT}>  "},
    "no text at all": {"text": None},
}


@pytest.mark.parametrize("more", IGNORED.values(), ids=IGNORED)
def test_what_is_no_question_to_us_is_acknowledged_and_ignored(
    at_work: Office, direct: str, more: dict[str, object]
) -> None:
    slack = at_work.slack
    event = slack.message(f"<@{BOT}> ignore me", channel=direct) | more
    slack.acked(slack.event({key: value for key, value in event.items() if value is not None}))
    slack.acked(slack.event(event | {"type": "app_mention"}))
    assert at_work.bot.lanes.wait(5)
    assert at_work.script.times("ignore me") == 0
    assert not slack.replies(event["ts"])


def test_a_talk_between_people_is_left_alone(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    ts = slack.mention("which one for streaming?", channel=channel)
    slack.reply(ts)
    slack.acked(slack.event(slack.message("<@U777> what do you say?", channel=channel, thread_ts=ts)))
    slack.acked(slack.event(slack.message("not to the bot", channel=channel)))
    slack.acked(slack.event(slack.message("in another thread", channel=channel, thread_ts=slack.ts())))
    assert at_work.bot.lanes.wait(5)
    assert {q.text for q in at_work.script.asked} & {"what do you say?", "not to the bot", "in another thread"} == set()


def test_the_first_question_in_a_talk_under_way_reads_the_thread_once(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    root = slack.ts()
    slack.posted.append(Posted(channel, root, None, user="UASKER001", text="We have a lot of Spark people &amp; Kafka"))
    slack.mention("which one then?", channel=channel, thread_ts=root)
    slack.reply(root)
    assert [turn.content for turn in at_work.script.asked[-1].history] == ["We have a lot of Spark people & Kafka"]
    slack.say("why?", channel=channel, thread_ts=root)
    slack.reply(root, 2)
    assert len(slack.called("conversations.replies", channel=channel)) == 1


def _talk(slack: FakeSlack, channel: str, messages: int) -> str:
    """A thread of people; returns its ts."""
    root = slack.ts()
    slack.posted.append(Posted(channel, root, None, user="UASKER001", text="Message 1"))
    for n in range(2, messages + 1):
        slack.posted.append(Posted(channel, slack.ts(), root, user="UASKER001", text=f"Message {n}"))
    return root


def test_of_a_long_thread_the_latest_messages_are_read(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    root = _talk(slack, channel, 50)
    slack.mention("which one then?", channel=channel, thread_ts=root)
    slack.reply(root)
    said = [turn.content for turn in at_work.script.asked[-1].history]
    assert said == [f"Message {n}" for n in range(36, 51)]
    assert len(slack.called("conversations.replies", channel=channel)) == 4


def test_of_an_endless_thread_a_bounded_number_of_pages_is_read(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    root = _talk(slack, channel, 200)
    slack.mention("which one then?", channel=channel, thread_ts=root)
    slack.reply(root)
    assert len(slack.called("conversations.replies", channel=channel)) == 10


def test_no_answer_waits_for_slack_to_let_it_read_on_in_a_long_thread(
    at_work: Office, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack = at_work.slack
    root = _talk(slack, channel, 50)
    page = slack._conversations_replies

    def once_a_minute(args: dict[str, Any]) -> dict[str, Any]:
        slack.fail("conversations.replies", Fault(retry_after=60))
        return page(args)

    monkeypatch.setattr(slack, "_conversations_replies", once_a_minute)
    slack.mention("which one then?", channel=channel, thread_ts=root)
    slack.reply(root)
    assert len(at_work.script.asked[-1].history) == 15
    assert len(slack.called("conversations.replies", channel=channel)) == 2


def test_a_command_is_answered_to_its_user_alone(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    before = len(slack.responses)
    envelope = slack.command("which one for streaming?", channel=channel)
    assert slack.acked(envelope) == {"text": "Reading the sources for: which one for streaming?"}
    response = slack.wait(lambda: slack.responses[before:])[0]
    assert response["response_type"] == "ephemeral"
    assert response["unfurl_links"] is response["unfurl_media"] is False
    assert response["blocks"][0]["text"].startswith("**Use Azure Databricks**")
    assert "Share to channel" in str(response["blocks"])
    assert not [p for p in slack.posted if p.channel == channel]


@pytest.mark.parametrize("text", ["", "  ", "help", "?"])
def test_a_command_without_a_question_explains_itself(at_work: Office, channel: str, text: str) -> None:
    payload = at_work.slack.acked(at_work.slack.command(text, channel=channel, command="/ask-data"))
    assert "/ask-data which should we use" in payload["text"]


def test_what_people_and_documents_write_pings_and_links_nobody(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    before = len(slack.calls)
    ts = slack.mention("hostile &lt;!channel&gt; text", channel=channel)
    reply = slack.reply(ts)
    slack.click(reply.button("ask_0"), reply, channel=channel)
    second = slack.reply(ts, 2)
    assert at_work.script.asked[-1].text.startswith("Tell <!channel>")
    shown = [call.args for call in slack.calls[before:] if call.method.startswith("chat.")]
    values = {"value"}  # what a button sends back to us is never shown
    assert pings([_without(args, values) for args in shown]) == []
    assert "[x](http" not in reply.markdown and "\\[x\\](http://evil.example)" in reply.markdown
    assert "&amp; \\`b\\`" in reply.markdown and "&lt;b&gt;" in reply.markdown
    assert second.markdown.startswith("> Tell &lt;")


def test_nothing_unfurls(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    ts = slack.mention("which one for streaming?", channel=channel)
    reply = slack.reply(ts)
    slack.click(reply.button("best_case"), reply, channel=channel)
    slack.reply(ts, 2)
    long = slack.mention("a long answer please", channel=channel)
    slack.reply(long, 2)
    started, posted = (slack.called(f"chat.{method}", channel=channel) for method in ("startStream", "postMessage"))
    assert len(started) == 2 and len(posted) > 1
    for call in (*started, *posted):
        assert call.args["unfurl_links"] is call.args["unfurl_media"] is False


def test_a_long_answer_is_split_and_loses_nothing(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    ts = slack.mention("a long answer please", channel=channel)
    slack.reply(ts)
    replies = slack.replies(ts)
    assert len(replies) > 2
    told = "\n".join(reply.markdown for reply in replies)
    assert re.findall(r"Fact (\d+)\.", told) == [str(n) for n in range(40)]
    assert [block["type"] for reply in replies for block in reply.blocks].count("context_actions") == 1


def test_an_error_says_so_with_a_reference_that_the_log_has(
    at_work: Office, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    slack = at_work.slack
    ts = slack.mention("crash now", channel=channel)
    reply = slack.reply(ts)
    reference = re.search(r"reference `(\w{8})`", reply.markdown)
    assert reference and "secret detail" not in reply.words
    assert slack.status(ts) == ""
    assert any(getattr(record, "reference", "") == reference[1] and record.exc_info for record in caplog.records)


def test_a_question_that_is_too_long_is_answered_with_the_limit(at_work: Office, direct: str) -> None:
    ts = at_work.slack.say("x " * 2500, channel=direct)
    assert "4,999 characters and I read at most 4,000" in at_work.slack.reply(ts).markdown


def test_small_talk_has_no_buttons(at_work: Office, direct: str) -> None:
    reply = at_work.slack.reply(at_work.slack.say("hello", channel=direct))
    assert (reply.markdown, reply.blocks) == ("Hello to you.", [])


def test_without_the_status_the_answer_still_comes(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    slack.fail("assistant.threads.setStatus", Fault("missing_scope"), Fault("missing_scope"))
    ts = slack.mention("which one for streaming?", channel=channel)
    slack.wait(lambda: slack.replies(ts))
    assert at_work.bot.lanes.wait(5)


def _without(value: object, keys: set[str]) -> object:
    if isinstance(value, dict):
        return {key: _without(item, keys) for key, item in value.items() if key not in keys}
    return [_without(item, keys) for item in value] if isinstance(value, list | tuple) else value
