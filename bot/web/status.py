"""What the chain is doing, in words, while the reader waits for a chat model. Imports LangChain."""

from collections.abc import Mapping
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler

WORDS: Mapping[str, str] = {
    "understand": "Reading your question",
    "standalone": "Reading your question",
    "criteria": "Splitting it into needs",
    "retrieve": "Searching the sources",
    "judge": "Weighing both sides",
    "compose": "Writing the answer",
    "write": "Writing the answer",
    "model": "Writing the answer",
}


class StatusWatcher(BaseCallbackHandler):
    """Follows the named steps of one run; `words` is what to show now."""

    def __init__(self) -> None:
        self.words = WORDS["understand"]

    def on_chain_start(self, serialized: dict[str, Any] | None, inputs: Any, **kwargs: Any) -> None:
        """A step begins: one with a name that we know changes the words."""
        name = str(kwargs.get("name") or "").lower()
        self.words = next((words for key, words in WORDS.items() if key in name), self.words)

    def on_chat_model_start(self, serialized: dict[str, Any] | None, messages: Any, **kwargs: Any) -> None:
        """The chat model begins."""
        self.words = WORDS["model"]
