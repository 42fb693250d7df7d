"""Knowledge bases that tests ask: an index of real sources with the bundled encoder, and the chain over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from langchain_core.runnables import Runnable

from bot.answer import Answer, Question, Turn
from bot.factory import build_chain
from evals.bases import share
from ingest.pipeline import run_ingest
from kb.embedders import Embedder
from kb.index import Index, open_index
from kb.settings import Settings, SourceSettings

ARTICLE = "corpus/article/azure-machine-learning-vs-databricks.html"


@dataclass(frozen=True)
class Base:
    """An open index, its settings, and the chain over it."""

    settings: Settings
    index: Index
    chain: Runnable[Question, Answer]

    def ask(self, text: str, *history: str) -> Answer:
        """The answer; `history` is what was said before, the user first, in turns."""
        roles = ("user", "assistant")
        turns = tuple(Turn.model_validate({"role": roles[i % 2], "content": said}) for i, said in enumerate(history))
        return self.chain.invoke(Question(text=text, history=turns))

    def headings(self, answer: Answer) -> list[str]:
        """The innermost heading of each citation, in order."""
        return [citation.section[-1] for citation in answer.citations]


def make_base(home: Path, encoder_home: Path, embedder: Embedder, sources: Sequence[SourceSettings]) -> Base:
    """Ingest the sources into `home`, which uses the encoder and the vectors kept in `encoder_home`."""
    home.mkdir(parents=True, exist_ok=True)
    share(encoder_home, home)
    settings = Settings(home=home, source=tuple(sources))
    run_ingest(settings, embedder=embedder)
    index = open_index(settings, embedder=embedder)
    return Base(settings, index, build_chain(settings, index=index))
