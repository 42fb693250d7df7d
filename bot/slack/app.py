"""The Bolt app: which event, command, button and modal goes where. Bolt is imported here and in `transport`."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from slack_bolt import Ack, App, BoltContext
from slack_bolt.error import BoltError
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.desk import Desk
from bot.slack.buttons import Buttons
from bot.slack.inbox import Inbox
from bot.slack.intake import Parking, Request, clean, read_event
from bot.slack.lanes import Lanes
from bot.slack.limits import Limits, Refusal
from bot.slack.worker import Worker
from kb.errors import UsageError

logger = logging.getLogger(__name__)

HELP = (
    "Ask me which one fits, for example `{} which should we use for streaming?` Only you see the answer; you can share"
    " it. You can also mention me in a channel or write to me directly."
)
READING = "Reading the sources for: {}"


@dataclass(frozen=True, slots=True)
class Bot:
    """The app with what stands behind it."""

    app: App
    inbox: Inbox
    lanes: Lanes

    def resume(self) -> int:
        """Queues what the last process left undone; how many that was."""
        unfinished = self.inbox.unfinished()
        for request in unfinished:
            self.lanes.add(request)
        return len(unfinished)

    def close(self) -> None:
        """Ends after the answers that are being written."""
        self.lanes.close()
        self.inbox.close()


def build_bot(
    desk: Desk,
    client: WebClient,
    *,
    inbox: Inbox,
    signing_secret: str = "",
    limits: Limits | None = None,
    workers: int = 4,
    pause: float = 1.0,
) -> Bot:
    """The bot on a client with a bot token. UsageError where Slack does not take the token.

    Listeners write a request down and return: only then is it acknowledged (`process_before_response`), so that an
    event that we have said we have is never lost.
    """
    try:
        identity = client.auth_test()
        app = App(
            client=client,
            signing_secret=signing_secret,
            process_before_response=True,
        )
    except SlackApiError as error:
        code = error.response.get("error", "refused")
        raise UsageError(
            f"Slack does not take SLACK_BOT_TOKEN ({code}); copy the Bot User OAuth Token from Install App"
        ) from None
    except (BoltError, OSError) as error:
        raise UsageError(f"Slack cannot be reached ({type(error).__name__}); check the network and try again") from None
    slack = desk.settings.slack
    bot_user = str(identity["user_id"])
    worker = Worker(desk, inbox, client, bot_user, pause)
    lanes = Lanes(worker, workers=workers)
    limits = limits or Limits(per_user=slack.per_user_per_minute, per_minute=slack.per_minute)
    door = _Door(inbox, lanes, limits, Parking())
    _hear(app, door, bot_user)
    _listen(app, Buttons(worker, lambda request: door.take(request, None)), door)
    return Bot(app, inbox, lanes)


@dataclass(frozen=True, slots=True)
class _Door:
    """Takes requests in: each once, within the limits, written down before anybody is told so."""

    inbox: Inbox
    lanes: Lanes
    limits: Limits
    parking: Parking

    def take(self, request: Request, event_id: str | None) -> None:
        if self.inbox.known(request, event_id):
            return
        if not request.addressed and not self.inbox.is_open(request):
            self.parking.hold(request, event_id)
            if not self.inbox.is_open(request):  # else the mention came in between, and found nothing held
                return
        if not self.inbox.take(request, event_id):
            return
        refusal = self.limits.admit(request.user) if request.kind == "question" else None
        if refusal is None:
            self.lanes.add(request)
        else:
            self._refuse(request, refusal)
        for held, held_event in self.parking.release(request.lane):
            self.take(held, held_event)

    def _refuse(self, request: Request, refusal: Refusal) -> None:
        logger.info("over the limit", extra={"reference": request.reference, "whose": refusal.whose})
        if not refusal.tell:
            self.inbox.finish(request.key)
            return
        many = "You have asked a lot" if refusal.whose == "you" else "Many questions have come in"
        notice = f"{many} in the last minute, so I left this one out. Please ask again in {refusal.seconds} seconds."
        limited = replace(request, kind="limited", notice=notice)
        self.inbox.amend(limited)
        self.lanes.add(limited)


def _hear(app: App, door: _Door, bot_user: str) -> None:
    def hear(event: dict[str, Any], body: dict[str, Any], context: BoltContext) -> None:
        request = read_event(event, bot_user=bot_user, team=context.team_id or "")
        if request is not None:
            door.take(request, body.get("event_id"))

    app.event("app_mention")(hear)
    app.event("message")(hear)
    # The agent view sends these when somebody opens or leaves the conversation: nothing to do, but theirs to send.
    for quiet in ("app_home_opened", "app_context_changed"):
        app.event(quiet)(lambda: None)

    # One app a knowledge base: its command may have any name.
    @app.command(re.compile("^/"))
    def command(ack: Ack, command: dict[str, Any]) -> None:
        text = clean(command.get("text") or "", bot_user=bot_user)
        if not text or text.lower() in ("help", "?"):
            ack(text=HELP.format(command["command"]))
            return
        trigger = str(command["trigger_id"])
        request = Request(
            key=f"command:{trigger}",
            channel=command["channel_id"],
            thread=trigger,
            ts=trigger.partition(".")[0],
            user=command["user_id"],
            team=command["team_id"],
            text=text,
            place="private",
            response_url=command["response_url"],
        )
        door.take(request, None)
        ack(text=READING.format(text[:200]))


def _listen(app: App, buttons: Buttons, door: _Door) -> None:
    def at_once(ack: Ack) -> None:
        ack()

    def on_button(action: str | re.Pattern[str], work: Callable[[Mapping[str, Any]], None]) -> None:
        app.action(action)(ack=at_once, lazy=[buttons.guarded(work)])

    def on_modal(callback: str, work: Callable[[Mapping[str, Any]], None]) -> None:
        app.view(callback)(ack=at_once, lazy=[buttons.guarded(work)])

    on_button("best_case", buttons.best_case)
    on_button("change_weights", buttons.change_weights)
    on_button("weight", buttons.weight_moved)
    on_button("save_decision", buttons.save_decision)
    on_button("share", buttons.share)
    on_button("feedback", buttons.feedback)
    on_modal("weights", buttons.weights_chosen)
    on_modal("share", buttons.shared)
    on_modal("feedback_comment", buttons.feedback_said)
    app.action("open_browser")(at_once)

    # A follow-up is a request like any other: written down before it is acknowledged.
    @app.action(re.compile(r"^ask_\d$"))
    def follow_up(ack: Ack, body: dict[str, Any]) -> None:
        buttons.follow_up(body)
        ack()
