"""Questions that the knowledge base can answer next."""

from collections.abc import Sequence

from bot.answer import NotCoveredReason
from bot.asking import Asked
from bot.needs import Need
from kb.records import Option


def follow_ups(
    question: str, asked: Asked, refused: NotCoveredReason | None, needs: Sequence[Need], options: Sequence[Option]
) -> tuple[str, ...]:
    """At most three questions, none that was just asked (`question`)."""
    first, second = (option.name for option in options)
    if asked == "smalltalk" or refused in ("off_topic", "instruction"):
        return (
            "Which platform should I use for streaming sensor data?" if _bundled(options) else f"{first} or {second}?",
            f"What is the difference between {first} and {second}?",
            f"When do {first} and {second} work together?",
        )
    topics = [need.topics[0][0].replace("-", " ") for need in needs if need.topics][:1]
    found = []
    if asked != "comparison" and topics:
        found.append(f"Compare {first} and {second} on {topics[0]}.")
    if asked != "recommendation" and topics:
        found.append(f"Which platform should I use for {topics[0]}?")
    found += [f"How do {first} and {second} work together?", f"Compare {first} and {second} on cost."]
    return tuple(each for each in found if each.casefold() != question.strip().casefold())[:3]


def _bundled(options: Sequence[Option]) -> bool:
    return {option.id for option in options} == {"azure_ml", "databricks"}
