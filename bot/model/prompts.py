"""The prompts: files beside this module, known by the hash of their text."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from langchain_core.prompts import ChatPromptTemplate

HUMAN, BEGUN = "<!-- human -->", "<!-- begun -->"
"""Part a prompt file: the system's words, the asker's side, and how the model's reply begins, where it is begun."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file. `hash` is of its exact text: it is in every Answer that the prompt helped to write."""

    name: str
    text: str
    hash: str

    @property
    def template(self) -> ChatPromptTemplate:
        """The messages, to be filled in; what is filled in is never read as a template."""
        system, _, rest = self.text.partition(HUMAN)
        human, _, begun = rest.partition(BEGUN)
        parts = [("system", system.strip()), ("human", human.strip()), ("ai", begun.strip())]
        return ChatPromptTemplate.from_messages([part for part in parts if part[1]])


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt in `prompts/<name>.md`."""
    text = files("bot.model").joinpath(f"prompts/{name}.md").read_text(encoding="utf-8")
    return Prompt(name, text, hashlib.sha256(text.encode()).hexdigest()[:12])


def prompt_hash(*names: str) -> str:
    """One hash for the prompts that an answer is written with."""
    return hashlib.sha256("".join(load_prompt(name).hash for name in names).encode()).hexdigest()[:12]
