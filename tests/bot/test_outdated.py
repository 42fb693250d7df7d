"""After a refresh, the answers that rest on changed or vanished passages are named, and no others."""

from collections.abc import Callable
from pathlib import Path

from corpora import CorpusBuilder

from bot.answer import Answer
from bot.outdated import outdated
from bot.store import AnswerStore

Sample = Callable[..., Answer]


def test_changed_gone_and_unchanged_passages_are_told_apart(
    home: Path, sample: Sample, make_corpus: CorpusBuilder
) -> None:
    corpus = make_corpus({"Guide": {"Streaming": ["Databricks reads streams."], "Serving": ["Endpoints serve."]}})
    document = corpus.documents[0]
    kept, moved = corpus.sections
    plain = sample()
    first, *others = plain.citations
    assert others
    cited = {
        "kept": first.model_copy(update={"section_id": kept.id, "source_id": document.source_id, "section": kept.path}),
        "changed": first.model_copy(
            update={"section_id": "before", "source_id": document.source_id, "section": moved.path}
        ),
        "passage": first.model_copy(
            update={"section_id": "left", "source_id": document.source_id, "section": ("Left out",)}
        ),
        "document": first.model_copy(update={"section_id": "far", "source_id": "https://gone.example/"}),
    }
    store = AnswerStore(home)
    for name, citation in cited.items():
        answer = plain.model_copy(update={"id": name, "citations": (citation,)})
        store.save_answer(answer, {citation.section_id: "text"})
    found = {each.answer_id: (each.citation, each.became) for each in outdated(store, corpus)}
    store.close()
    assert found == {
        "changed": (first.n, "its text has changed"),
        "passage": (first.n, "the passage is gone"),
        "document": (first.n, "its document is gone"),
    }
