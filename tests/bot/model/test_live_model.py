"""A serving process with a chat model: what it knows of the model outlives a new snapshot."""

from collections.abc import Callable

from corpora import CorpusBuilder
from fake_openai import FakeOpenAI, Reaction

from bot.answer import Question
from bot.factory import LiveChain
from bot.model.breaker import FAILURES
from bot.model.failures import NOTICES
from kb.embedders import HashedBagEmbedder
from kb.settings import EmbeddingSettings, Settings
from kb.snapshots import write_snapshot

QUESTION = "Azure Machine Learning or Azure Databricks for reading an event stream?"


def test_a_model_that_is_left_alone_stays_so_over_a_new_snapshot(
    settings_for: Callable[..., Settings], fake: FakeOpenAI, make_corpus: CorpusBuilder
) -> None:
    settings = settings_for(fake.url).model_copy(update={"embedding": EmbeddingSettings(model="hashed")})

    def write(edition: str) -> str:
        streams = [f"Azure Databricks reads an event stream, edition {edition}.", "Azure Databricks reads batches."]
        pages = {"Guide": {"Streams": streams, "Serving": ["Azure Machine Learning reads an event stream slowly."]}}
        corpus = make_corpus(pages)
        return write_snapshot(corpus, settings=settings, embedder=HashedBagEmbedder(), made={}).id

    fake.script = lambda request: Reaction(status=500)
    first = write("one")
    live = LiveChain(settings)
    chain = live
    try:
        for _ in range(FAILURES):
            answer = chain.invoke(Question(text=QUESTION))
            assert answer.notices[-1].startswith(NOTICES["server_error"])
        assert answer.made_by.snapshot == first
        asked = len(fake.requests)
        second = write("two")
        answer = chain.invoke(Question(text=QUESTION))
        assert answer.made_by.snapshot == second
        assert answer.notices[-1].startswith(NOTICES["paused"])
        assert len(fake.requests) == asked
    finally:
        live.close()
