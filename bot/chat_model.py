"""Answers written by a chat model, never less grounded than the extractive answer that they start from.

The model gets the question, the needs and the evidence under labels. What it writes is checked sentence by sentence;
what the passages do not bear out is mended once or removed. Whatever fails, the extractive answer stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda

from bot.answer import Answer, Citation
from bot.model.asking import OnText
from bot.model.failures import ModelFailedError
from bot.model.privacy import privacy
from bot.model.writer import Writer
from bot.verification import Embed
from kb.settings import Settings

__all__ = ["Draft", "Writer", "model_step", "privacy", "write_with_model"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a model starts from: the finished extractive answer, and the evidence found for both options.

    `evidence` may hold citations that the answer does not have, under numbers of their own.
    """

    answer: Answer
    evidence: tuple[Citation, ...] = ()


def model_step(
    settings: Settings, *, embed: Embed | None = None, writer: Writer | None = None
) -> Runnable[Draft, Answer]:
    """The last step of the chain where `[model] name` is set: a model's answer, else the extractive one and a notice.

    `config["configurable"]["on_text"]` gets the checked text as it comes. UsageError where the provider is unknown or
    its package is not installed.
    """
    the_writer = writer or Writer(settings, embed=embed)

    def write(given: dict[str, Any], config: RunnableConfig) -> Answer:
        draft: Draft = given["draft"]
        on_text = (config.get("configurable") or {}).get("on_text")
        return the_writer.write(draft.answer, draft.evidence, on_text=on_text, config=config)

    def extractive(given: dict[str, Any]) -> Answer:
        answer: Answer = given["draft"].answer
        return answer.model_copy(update={"notices": (*answer.notices, str(given["failure"]))})

    start = RunnableLambda(_given, name="evidence")
    writing = RunnableLambda(write, name="model").with_fallbacks(
        [RunnableLambda(extractive, name="extractive")],
        exceptions_to_handle=(ModelFailedError,),
        exception_key="failure",
    )
    return start | writing


def write_with_model(
    answer: Answer,
    evidence: Sequence[Citation] = (),
    *,
    settings: Settings,
    embed: Embed | None = None,
    writer: Writer | None = None,
    on_text: OnText | None = None,
) -> Answer:
    """`model_step` for one answer. Give a `writer` when there are several: it keeps the breaker and the model."""
    step = model_step(settings, embed=embed, writer=writer)
    return step.invoke(Draft(answer, tuple(evidence)), {"configurable": {"on_text": on_text}})


def _given(draft: Draft) -> dict[str, Any]:
    return {"draft": draft}
