"""What the buttons and modals under an answer do. Each is called after Slack has its acknowledgement."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk import WebClient

from bot.answer import Answer
from bot.render import decision_record
from bot.slack.blocks import Message, Reference, best_case, pack, render
from bot.slack.intake import Request
from bot.slack.replies import ASIDE, UNFURL, SlackFailure, respond
from bot.slack.style import Style
from bot.slack.text import cut, markdown
from bot.slack.views import (
    Held,
    Place,
    chosen_weights,
    feedback_view,
    share_view,
    weights_view,
    with_weights,
)
from bot.slack.worker import Worker

logger = logging.getLogger(__name__)

Body = Mapping[str, Any]
GONE = "I no longer keep that answer. Please ask the question again."
BROKEN = "Sorry, that did not work. If it happens again, tell whoever runs me the reference `{}`."


@dataclass(frozen=True, slots=True)
class Buttons:
    """`ask` takes a request as if it had been typed."""

    worker: Worker
    ask: Callable[[Request], None]

    def guarded(self, work: Callable[[Body], None]) -> Callable[[Body], None]:
        """The work, with an apology and a logged reference where it fails."""

        def run(body: Body) -> None:
            try:
                work(body)
            except Exception:
                reference = hashlib.sha256(str(body.get("trigger_id")).encode()).hexdigest()[:8]
                logger.exception("button failed", extra={"reference": reference})
                self._tell(body, BROKEN.format(reference))

        run.__name__ = run.__qualname__ = work.__name__
        return run

    def best_case(self, body: Body) -> None:
        """Posts the best case for the option that was not chosen."""
        answer, reference = self._answer(body)
        if answer is None:
            return self._tell(body, GONE)
        style = self._style
        other = style.other(with_weights(answer, reference.weights).verdict.choice)
        if other is not None:
            self._post(_place(body), best_case(answer, style, other.id))
        return None

    def change_weights(self, body: Body) -> None:
        """Opens the menus."""
        answer, reference = self._answer(body)
        if answer is None:
            return self._tell(body, GONE)
        held = Held(answer.id, _place(body), reference.weights)
        self._client.views_open(trigger_id=body["trigger_id"], view=weights_view(answer, held, self._style))
        return None

    def weight_moved(self, body: Body) -> None:
        """Shows the verdict that the menus now give."""
        view = body["view"]
        held, answer = self._held(view)
        if answer is None:
            return
        moved = Held(held.answer_id, held.place, chosen_weights(view["state"]["values"], answer.criteria))
        shown = weights_view(answer, moved, self._style)
        self._client.views_update(view_id=view["id"], hash=view["hash"], view=shown)

    def weights_chosen(self, body: Body) -> None:
        """Posts the answer as the chosen weights make it."""
        held, answer = self._held(body["view"])
        if answer is None:
            return
        weights = chosen_weights(body["view"]["state"]["values"], answer.criteria)
        moved = with_weights(answer, weights)
        private = held.place.response_url is not None or held.place.channel.startswith("D")
        lead = "**The same question with other weights**"
        self._post(held.place, render(moved, self._style, private=private, lead=lead, weights=weights))

    def save_decision(self, body: Body) -> None:
        """Uploads the decision record as Markdown: into the thread, or to the person alone where they asked so."""
        answer, reference = self._answer(body)
        if answer is None:
            return self._tell(body, GONE)
        stored = self.worker.desk.store.stored(answer.id)
        style = self._style
        day = stored.at[:10] if stored else style.today.isoformat()
        record = decision_record(
            answer, style.options, at=day, weights=reference.weights, link=style.page(answer) or ""
        )
        place = _place(body)
        channel, thread = place.channel, place.thread or None
        if place.response_url is not None:
            channel, thread = str(self._client.conversations_open(users=place.user)["channel"]["id"]), None
        self._client.files_upload_v2(
            channel=channel,
            thread_ts=thread,
            filename=f"decision-{day}-{answer.id[:8]}.md",
            title=cut(f"Decision: {answer.question}", 120),
            content=record,
            initial_comment="The decision record, as Markdown.",
        )
        return None

    def share(self, body: Body) -> None:
        """Asks where to post a private answer."""
        answer, reference = self._answer(body)
        if answer is None:
            return self._tell(body, GONE)
        held = Held(answer.id, _place(body), reference.weights)
        self._client.views_open(trigger_id=body["trigger_id"], view=share_view(held))
        return None

    def shared(self, body: Body) -> None:
        """Posts the answer where the person chose, through the address that Slack gives for it."""
        held, answer = self._held(body["view"])
        if answer is None:
            return
        lead = f"> {markdown(cut(answer.question, 600))}"
        moved = with_weights(answer, held.weights)
        messages = render(moved, self._style, lead=lead, weights=held.weights)
        for target in body.get("response_urls", []):
            for message in messages[:4]:
                respond(str(target["response_url"]), message, in_channel=True)

    def follow_up(self, body: Body) -> None:
        """Asks what the button says, as the person who pressed it."""
        place, action = _place(body), body["actions"][0]
        ts = str(action["action_ts"])
        channel = place.channel
        private = place.response_url is not None
        self.ask(
            Request(
                key=f"{channel}:{ts}:{place.user}",
                channel=channel,
                thread=place.thread or ts,
                ts=ts,
                user=place.user,
                team=str((body.get("team") or {}).get("id", "")),
                text=str(action["value"]),
                place="private" if private else "direct" if channel.startswith("D") else "channel",
                quoted=True,
                response_url=place.response_url,
            )
        )

    def feedback(self, body: Body) -> None:
        """Keeps the opinion at once; asks what was wrong where it was not helpful."""
        opinion, _, answer_id = str(body["actions"][0]["value"]).partition(":")
        place = _place(body)
        if self.worker.desk.store.answer(answer_id) is None:
            return self._tell(body, GONE)
        self._keep(answer_id, opinion, place.user)
        if opinion == "up":
            return self._tell(body, "Thank you, noted.")
        held = Held(answer_id, place, {})
        self._client.views_open(trigger_id=body["trigger_id"], view=feedback_view(held))
        return None

    def feedback_said(self, body: Body) -> None:
        """Keeps the comment beside the opinion."""
        held = Held.loads(body["view"]["private_metadata"])
        comment = body["view"]["state"]["values"]["said"]["comment"].get("value") or ""
        self._keep(held.answer_id, "down", held.place.user, comment)

    @property
    def _client(self) -> WebClient:
        return self.worker.client

    @property
    def _style(self) -> Style:
        return self.worker.style()

    def _answer(self, body: Body) -> tuple[Answer | None, Reference]:
        reference = Reference.loads(str(body["actions"][0]["value"]))
        return self.worker.desk.store.answer(reference.answer_id), reference

    def _held(self, view: Body) -> tuple[Held, Answer | None]:
        held = Held.loads(view["private_metadata"])
        return held, self.worker.desk.store.answer(held.answer_id)

    def _keep(self, answer_id: str, opinion: str, user: str, comment: str = "") -> None:
        self.worker.desk.store.add_feedback(
            answer_id, "up" if opinion == "up" else "down", comment=comment, channel="slack", who=_pseudonym(user)
        )

    def _post(self, place: Place, messages: list[Message]) -> None:
        for message in messages:
            if place.response_url is not None:
                respond(place.response_url, message)
                continue
            self._client.chat_postMessage(
                channel=place.channel,
                thread_ts=place.thread or None,
                text=message.summary,
                blocks=message.all_blocks,
                metadata={"event_type": ASIDE, "event_payload": {"kind": "aside"}},
                **UNFURL,
            )

    def _tell(self, body: Body, text: str) -> None:
        """Says something to the person alone."""
        try:
            place = _place(body)
            if place.response_url is not None:
                respond(place.response_url, pack([text], [], text)[0])
            else:
                self._client.chat_postEphemeral(
                    channel=place.channel, thread_ts=place.thread or None, user=place.user, text=text
                )
        except (*SlackFailure, KeyError) as error:
            logger.warning("could not tell the person", extra={"why": type(error).__name__})


def _place(body: Body) -> Place:
    """Where a button stands; in a modal, where the button stood that opened it. KeyError where neither is there."""
    if body.get("view"):
        return Held.loads(body["view"]["private_metadata"]).place
    container, message = body["container"], body.get("message") or {}
    private = bool(container.get("is_ephemeral"))
    thread = container.get("thread_ts") or message.get("thread_ts") or ("" if private else container["message_ts"])
    return Place(
        channel=str(container.get("channel_id") or body["channel"]["id"]),
        thread=str(thread),
        user=str(body["user"]["id"]),
        response_url=str(body["response_url"]) if private else None,
    )


def _pseudonym(user: str) -> str:
    """Tells two people's feedback apart without keeping who they are."""
    return hashlib.sha256(f"slack:{user}".encode()).hexdigest()[:16]
