"""One request to a chat model: streamed, ended at the deadline, any fault a `ModelFailedError`."""

import contextvars
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.model.failures import ModelFailedError, failure_of
from kb.errors import UsageError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import BaseMessage
    from langchain_core.runnables import RunnableConfig

log = logging.getLogger(__name__)

OnText = Callable[[str], None]
CHARACTERS_PER_TOKEN = 3.5
"""What a token is counted as where the server gives no numbers: on the safe side for English."""


@dataclass(frozen=True, slots=True)
class Said:
    """A model's whole text, and the tokens of question and answer. `ended`: the model itself came to an end."""

    text: str
    tokens_in: int
    tokens_out: int
    ended: bool = True


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return int(len(text) / CHARACTERS_PER_TOKEN) + 1


def ask(
    model: "BaseChatModel",
    messages: "Sequence[BaseMessage]",
    *,
    schema: dict[str, Any] | None,
    deadline: float,
    on_text: OnText | None = None,
    config: "RunnableConfig | None" = None,
    now: Callable[[], float] = time.monotonic,
) -> Said:
    """What the model says to the messages; `on_text` gets the text so far each time there is more.

    `schema` asks for structured output where the provider has it. `deadline` is a value of `now`. Raises
    ModelFailedError for every fault of the model or its server.
    """
    asked: Any = model
    if schema is not None:
        asked = _structured(model, schema)
    pieces: queue.Queue[tuple[str, Any]] = queue.Queue()
    left = threading.Event()

    def read() -> None:
        try:
            for piece in asked.stream(list(messages), config):
                pieces.put(("piece", piece))
                if left.is_set():
                    return
            pieces.put(("end", None))
        except BaseException as error:  # noqa: BLE001 - a provider may raise anything, and the asker waits for it
            pieces.put(("error", error))

    # A daemon: a server that never answers must not keep the process from ending.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(read,), name="model", daemon=True)
    thread.start()
    return _collect(pieces, left, messages, deadline, on_text, now)


def _structured(model: "BaseChatModel", schema: dict[str, Any]) -> Any:
    """The model bound to the schema, without LangChain's parser: that one waits for the end and fails as a whole."""
    from langchain_core.runnables import RunnableSequence

    try:
        chain = model.with_structured_output(schema)
    except (NotImplementedError, ValueError):
        log.debug("no structured output with %s", type(model).__name__)
        return model
    return chain.first if isinstance(chain, RunnableSequence) else model


def _collect(
    pieces: "queue.Queue[tuple[str, Any]]",
    left: threading.Event,
    messages: "Sequence[BaseMessage]",
    deadline: float,
    on_text: OnText | None,
    now: Callable[[], float],
) -> Said:
    text, finish, refusal, usage = "", "", "", (0, 0)
    try:
        while True:
            remaining = deadline - now()
            if remaining <= 0:
                raise ModelFailedError("timeout")
            try:
                kind, value = pieces.get(timeout=remaining)
            except queue.Empty:
                raise ModelFailedError("timeout") from None
            if kind == "end":
                break
            if kind == "error":
                if type(value).__name__ == "LengthFinishReasonError":
                    finish = "length"
                    break
                if isinstance(value, UsageError):
                    raise value
                raise failure_of(value, begun=bool(text))
            message = value
            fresh = _text_of(message)
            finish = (getattr(message, "response_metadata", None) or {}).get("finish_reason") or finish
            refusal = (getattr(message, "additional_kwargs", None) or {}).get("refusal") or refusal
            counted = getattr(message, "usage_metadata", None)
            if counted:
                usage = (
                    max(usage[0], int(counted.get("input_tokens") or 0)),
                    max(usage[1], int(counted.get("output_tokens") or 0)),
                )
            if fresh:
                text += fresh
                if on_text is not None:
                    on_text(text)
    finally:
        left.set()
    if refusal or finish == "content_filter":
        raise ModelFailedError("refused")
    if not text.strip():
        raise ModelFailedError("empty")
    prompt = "".join(str(message.content) for message in messages)
    return Said(text, usage[0] or estimate_tokens(prompt), usage[1] or estimate_tokens(text), finish != "length")


def _text_of(message: Any) -> str:
    """The text of a piece, or of the tool call that stands for structured output."""
    content = message.content
    if not isinstance(content, str):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    calls = "".join(call.get("args") or "" for call in getattr(message, "tool_call_chunks", None) or ())
    return content + calls
