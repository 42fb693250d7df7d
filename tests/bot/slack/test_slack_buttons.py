"""What the buttons under an answer do, pressed on the running bot."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from fake_slack import Fault, Posted
from slack_office import Office

from bot.answer import Answer
from bot.verdict import decide


def asked(at_work: Office, channel: str) -> tuple[str, Posted]:
    """The thread and the reply of a question."""
    ts = at_work.slack.mention("which one for streaming?", channel=channel)
    return ts, at_work.slack.reply(ts)


def kept(at_work: Office, reply: Posted) -> Answer:
    """The answer that a reply shows, as the store has it."""
    answer = at_work.desk.store.answer(json.loads(reply.button("save_decision")["value"])[0])
    assert answer is not None
    return answer


def menus(view: Mapping[str, Any], **weights: str) -> dict[str, Any]:
    """The state of a weights modal in which these menus were moved, by criterion id."""
    state = {}
    for block in view["blocks"]:
        if "accessory" in block:
            criterion = block["block_id"].removeprefix("need:")
            option = block["accessory"]["initial_option"]
            if criterion in weights:
                option = next(o for o in block["accessory"]["options"] if o["value"] == weights[criterion])
            state[block["block_id"]] = {"weight": {"type": "static_select", "selected_option": option}}
    return state


def test_the_best_case_for_the_other_side_is_posted_with_its_sources(at_work: Office, channel: str) -> None:
    ts, reply = asked(at_work, channel)
    assert reply.button("best_case")["text"]["text"] == "Best case for Azure Machine Learning"
    at_work.slack.click(reply.button("best_case"), reply, channel=channel)
    case = at_work.slack.reply(ts, 2)
    assert case.markdown == (
        "**The best case for Azure Machine Learning**\n"
        "- Two deployments behind one address. [3](https://example.org/guide#streaming)"
    )
    assert case.blocks[1]["elements"][0]["text"].startswith("[3] ")
    assert "[1] " not in case.words


def test_moving_a_weight_shows_the_verdict_it_gives_and_posts_it(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    ts, reply = asked(at_work, channel)
    answer = kept(at_work, reply)
    opened = len(slack.views)
    slack.click(reply.button("change_weights"), reply, channel=channel)
    view = slack.wait(lambda: slack.views[opened:])[0]
    assert view["blocks"][0]["text"]["text"].startswith("*Use Azure Databricks* · fairly sure (78%)")

    state = menus(view, c1="0.0")
    expected = decide([c.model_copy(update={"weight": 0.0}) if c.id == "c1" else c for c in answer.criteria])
    assert expected.choice == "azure_ml"
    slack.pick(view, state)
    view = slack.wait(lambda: slack.views[opened + 1 :])[0]
    shown = view["blocks"][0]["text"]["text"]
    assert shown.startswith(f"*Use Azure Machine Learning* · fairly sure ({expected.confidence:.0%})")

    slack.submit(view, state)
    moved = slack.reply(ts, 2)
    assert moved.markdown.startswith("**The same question with other weights**\n\n**Use Azure Machine Learning**")
    assert moved.button("best_case")["text"]["text"] == "Best case for Azure Databricks"
    assert json.loads(moved.button("save_decision")["value"]) == [answer.id, {"c1": 0.0}]
    assert kept(at_work, moved) == answer


def test_a_decision_is_saved_with_the_weights_that_were_set(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    ts, reply = asked(at_work, channel)
    slack.click(reply.button("save_decision"), reply, channel=channel)
    slack.wait(lambda: [f for f in slack.files if f["channel_id"] == channel])
    button = reply.button("save_decision")
    button = button | {"value": json.dumps([json.loads(button["value"])[0], {"c1": 0.0}])}
    slack.click(button, reply, channel=channel)
    slack.wait(lambda: len([f for f in slack.files if f["channel_id"] == channel]) == 2)
    first, second = (f for f in slack.files if f["channel_id"] == channel)
    assert first["thread_ts"] == second["thread_ts"] == ts
    assert first["content"].startswith("# Decision: Use Azure Databricks\n")
    assert second["content"].startswith("# Decision: Use Azure Machine Learning\n")
    assert "https://ask.example.org/?a=" in first["content"]
    assert first["title"] == "Decision: which one for streaming?"


def test_a_private_answer_keeps_everything_private(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    before = len(slack.responses)
    slack.command("which one for streaming?", channel=channel)
    shown = slack.wait(lambda: slack.responses[before:])[0]
    reply = Posted(channel, "0", None, blocks=shown["blocks"])
    slack.click(reply.button("best_case"), None, channel=channel)
    case = slack.wait(lambda: slack.responses[before + 1 :])[0]
    assert case["response_type"] == "ephemeral" and "best case for Azure" in case["blocks"][0]["text"]
    slack.click(reply.button("ask_0"), None, channel=channel)
    slack.wait(lambda: len(slack.responses) > before + 2)
    assert slack.responses[-1]["blocks"][0]["text"] == "> What would it cost?"
    slack.click(reply.button("save_decision"), None, channel=channel, user="UQUIET001")
    slack.wait(lambda: [f for f in slack.files if f["channel_id"] == "DQUIET001"])
    assert not [p for p in slack.posted if p.channel == channel]


def test_a_private_answer_is_shared_where_its_reader_says(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    before, opened = len(slack.responses), len(slack.views)
    slack.command("which one for streaming?", channel=channel)
    shown = slack.wait(lambda: slack.responses[before:])[0]
    reply = Posted(channel, "0", None, blocks=shown["blocks"])
    slack.click(reply.button("share"), None, channel=channel)
    view = slack.wait(lambda: slack.views[opened:])[0]
    assert view["blocks"][0]["element"]["response_url_enabled"] is True
    targets = [{"response_url": f"{slack.base}/respond/shared-{channel}", "channel_id": channel}]
    slack.submit(view, {"where": {"channel": {"selected_conversation": channel}}}, response_urls=targets)
    shared = slack.wait(lambda: [r for r in slack.responses if r["to"] == f"shared-{channel}"])[0]
    assert shared["response_type"] == "in_channel"
    assert shared["blocks"][0]["text"] == "> which one for streaming?"
    assert "Share to channel" not in json.dumps(shared)


def test_feedback_lands_in_the_store_of_every_channel(at_work: Office, channel: str) -> None:
    slack, store = at_work.slack, at_work.desk.store
    _, reply = asked(at_work, channel)
    answer = kept(at_work, reply)
    element = reply.button("feedback")
    opened = len(slack.views)

    slack.click({"action_id": "feedback", "value": element["positive_button"]["value"]}, reply, channel=channel)
    slack.wait(lambda: [e for e in slack.ephemeral if e["channel"] == channel])
    (up,) = store.feedback(answer.id)
    assert (up.opinion, up.channel, up.comment) == ("up", "slack", "")
    assert "UASKER001" not in up.who

    slack.click({"action_id": "feedback", "value": element["negative_button"]["value"]}, reply, channel=channel)
    view = slack.wait(lambda: slack.views[opened:])[0]
    slack.submit(view, {"said": {"comment": {"value": "Databricks serves models too"}}})
    slack.wait(lambda: store.feedback(answer.id)[0].comment)
    (down,) = store.feedback(answer.id)
    assert (down.opinion, down.comment) == ("down", "Databricks serves models too")


def test_a_follow_up_button_asks_in_the_thread_once(at_work: Office, channel: str) -> None:
    slack = at_work.slack
    ts, reply = asked(at_work, channel)
    asked_before = at_work.script.times("Do we need both?")
    slack.acked(slack.click(reply.button("ask_1"), reply, channel=channel))
    follow_up = slack.reply(ts, 2)
    assert follow_up.markdown.startswith("> Do we need both?\n\n**Use Azure Databricks**")
    assert at_work.script.times("Do we need both?") == asked_before + 1
    assert at_work.script.asked[-1].history[0].content == "which one for streaming?"


def test_the_link_to_the_browser_is_acknowledged(at_work: Office, channel: str) -> None:
    _, reply = asked(at_work, channel)
    at_work.slack.acked(at_work.slack.click(reply.button("open_browser"), reply, channel=channel))


@pytest.mark.parametrize("action", ["best_case", "change_weights", "save_decision", "share"])
def test_a_button_of_an_answer_that_is_gone_says_so(at_work: Office, channel: str, action: str) -> None:
    slack = at_work.slack
    _, reply = asked(at_work, channel)
    slack.click({"action_id": action, "value": '["gone",{}]'}, reply, channel=channel)
    notice = slack.wait(lambda: [e for e in slack.ephemeral if e["channel"] == channel])[0]
    assert notice["text"] == "I no longer keep that answer. Please ask the question again."


def test_a_button_that_fails_says_so_with_a_reference(
    at_work: Office, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    slack = at_work.slack
    _, reply = asked(at_work, channel)
    slack.fail("files.getUploadURLExternal", Fault("missing_scope"))
    slack.click(reply.button("save_decision"), reply, channel=channel)
    notice = slack.wait(lambda: [e for e in slack.ephemeral if e["channel"] == channel])[0]
    reference = notice["text"].split("`")[1]
    assert "missing_scope" not in notice["text"]
    assert reference in [getattr(record, "reference", "") for record in caplog.records]
