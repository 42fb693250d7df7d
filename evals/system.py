"""The product as a system to evaluate: its chain, its search legs, and the baselines on the same index."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.answer import Answer, Question
from evals.asking import Answerer
from evals.baselines import Guess, TutorialPipeline, guess_verdicts, keywords, majority, plain_vote
from evals.cache import ResultCache, code_version, key_of
from evals.gold_sections import SectionMap
from evals.golden import Case, GoldenSet
from evals.judgements import Judgements
from evals.retrieval import DEPTH, Leg, RankedLeg
from evals.runner import System
from evals.sabotage import Sabotage
from evals.scorers import Rules
from kb.options import OptionFinder
from kb.settings import Settings


class Product:
    """The index and chain of some settings, opened when first needed and closed together."""

    def __init__(self, settings: Settings, *, name: str = "whichway", sabotage: Sabotage | None = None) -> None:
        from kb.index import open_index

        self.settings = settings
        self.name = name
        self._sabotage = sabotage
        self._stack = ExitStack()
        self.index: Any = self._stack.enter_context(open_index(settings))
        if sabotage is not None and sabotage.index is not None:
            sabotage.index(self.index)
        code = code_version("bot", "kb")
        self.made_by = {
            "system": name,
            "snapshot": self.index.snapshot_id,
            "config": settings.fingerprint(),
            "code": code,
            "embedder": self.index.manifest["embedder"]["name"],
            "settings": settings.model_dump(mode="json"),
        }
        self.identity = key_of(name, self.index.snapshot_id, settings.fingerprint(), code)

    @property
    def factory(self) -> "ChainFactory":
        """The same chain for another process."""
        return ChainFactory(self.settings, self.name, self._sabotage)

    def answerer(self) -> Answerer:
        """The chain, as every client has it."""
        from bot.factory import build_chain, extractive_chain

        if self._sabotage is not None and self._sabotage.chain is not None:
            broken = extractive_chain(self.settings, self.index)
            self._sabotage.chain(broken)
            chain = broken.runnable()
        else:
            chain = build_chain(self.settings, index=self.index)

        def ask(question: Question) -> Answer:
            return Answer.model_validate(chain.invoke(question))

        if self._sabotage is not None and self._sabotage.answers is not None:
            return self._sabotage.answers(ask, self.settings.decision.options)
        return ask

    def legs(self) -> dict[str, RankedLeg]:
        """Dense, lexical and fused search, each giving section ids."""
        index = self.index
        identity = key_of(self.name, index.snapshot_id, code_version("kb"))

        def sections(chunk_ids: Sequence[str]) -> list[str]:
            return list(dict.fromkeys(index.chunk(chunk).section_id for chunk in chunk_ids))

        def fused(question: str) -> list[str]:
            from kb.search import HybridSearch

            return sections([evidence.chunk.id for evidence in HybridSearch(index).search(question, DEPTH)])

        def dense(question: str) -> list[str]:
            return sections([chunk for chunk, _ in index.dense(index.embedder.embed_query(question), DEPTH)])

        def lexical(question: str) -> list[str]:
            return sections([chunk for chunk, _ in index.lexical(question, DEPTH)])

        found: Mapping[str, Leg] = {"dense": dense, "lexical": lexical, "fused": fused}
        return {name: RankedLeg(identity, leg) for name, leg in found.items()}

    def tutorial(self, folder: Path) -> RankedLeg:
        """The tutorial pipeline over the same documents, kept in `folder`."""
        pipeline = TutorialPipeline(self.index.corpus, folder)
        self._stack.callback(pipeline.close)
        return RankedLeg(pipeline.identity, pipeline)

    def similarity(self, first: Sequence[str], second: Sequence[str]) -> NDArray[np.float32]:
        """Cosines of two lists of texts."""
        embed = self.index.embedder.embed_queries
        return np.asarray(embed(list(first)) @ embed(list(second)).T, dtype=np.float32)

    def close(self) -> None:
        """Close the index and whatever was opened beside it."""
        self._stack.close()

    def __enter__(self) -> "Product":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class ChainFactory:
    """Makes the chain anew in another process; the index stays open as long as that process."""

    settings: Settings
    name: str
    sabotage: Sabotage | None

    def __call__(self) -> Answerer:
        """The chain over an index of its own."""
        return Product(self.settings, name=self.name, sabotage=self.sabotage).answerer()


def system_of(
    product: Product,
    golden: GoldenSet,
    *,
    cache: ResultCache | None,
    baselines: bool,
    folder: Path | None = None,
    sections: SectionMap | None = None,
) -> System:
    """The product as a System; with `baselines`, also what it is measured against, built in `folder`.

    `sections` are those to judge by where the index itself is broken.
    """
    legs = product.legs()
    if baselines and folder is not None:
        legs["tutorial"] = product.tutorial(folder)
    guesses = verdict_guesses(product, golden) if baselines else {}

    def guessed(cases: Sequence[Case]) -> Mapping[str, Sequence[Mapping[str, float]]]:
        identity = key_of(product.index.snapshot_id, code_version("kb", "evals"), golden.model_dump(mode="json"))
        return guess_verdicts(cases, guesses, cache=cache, identity=identity)

    return System(
        make_answerer=product.answerer,
        elsewhere=product.factory,
        identity=product.identity,
        rules=Rules(sections or SectionMap(product.index.corpus), Judgements.load(), product.similarity),
        finder=OptionFinder(product.settings.decision.options),
        legs=legs,
        baselines=guessed if guesses else None,
        made_by=product.made_by,
    )


def verdict_guesses(product: Product, golden: GoldenSet) -> dict[str, Guess]:
    """The three ways to guess a verdict, by name."""
    return {
        "majority": majority(golden),
        "keywords": keywords(product.index, product.settings.decision.options),
        "vote": plain_vote(product.index),
    }
