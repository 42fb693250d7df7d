"""The app manifest that an administrator pastes into Slack: scopes, events and prompts of this knowledge base."""

import json
from importlib import resources
from typing import Any

from kb.errors import UsageError
from kb.settings import Settings


def manifest(settings: Settings, *, http: bool = False, address: str = "") -> str:
    """The manifest as JSON: the shipped `manifest.json` with the decision's words in it.

    For HTTP, `address` is where Slack reaches `whichway slack --http`; UsageError where it is no https address.
    """
    found: dict[str, Any] = json.loads((resources.files("bot.slack") / "manifest.json").read_text(encoding="utf-8"))
    first, second = settings.decision.options
    features, app = found["features"], found["settings"]
    features["agent_view"]["agent_description"] = (
        f"{settings.decision.question} Ask about your scenario: a verdict, the case for each side, and citations."
    )[:300]
    features["agent_view"]["suggested_prompts"] = [
        {"title": f"When {first.name}?"[:75], "message": f"When is {first.name} the better choice?"},
        {"title": f"When {second.name}?"[:75], "message": f"When is {second.name} the better choice?"},
        {"title": "Use them together?", "message": f"Can {first.name} and {second.name} be used together?"},
        {"title": "Compare the cost", "message": f"How do {first.name} and {second.name} compare on cost?"},
    ]
    if http:
        if not address.startswith("https://"):
            raise UsageError("HTTP needs the https address that Slack reaches, as https://bot.example.org/slack/events")
        app["socket_mode_enabled"] = False
        app["event_subscriptions"]["request_url"] = address
        app["interactivity"]["request_url"] = address
        for command in features["slash_commands"]:
            command["url"] = address
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
