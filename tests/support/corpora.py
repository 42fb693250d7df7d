"""Builds a small Corpus by hand."""

import hashlib
from collections.abc import Callable

from kb.records import Chunk, Corpus, Document, Section, Statement

CorpusBuilder = Callable[..., Corpus]


def build_corpus(
    pages: dict[str, dict[str, list[str]]], *, standing: str = "comparison", standings: dict[str, str] | None = None
) -> Corpus:
    """See `make_corpus`. `standings` gives single pages, by title, another standing."""
    documents, sections, chunks, statements = [], [], [], []
    for title, page in pages.items():
        document_id = _id(title)
        text = ""
        for ordinal, (heading, sentences) in enumerate(page.items()):
            section_id, chunk_id = _id(title, heading), _id(title, heading, "chunk")
            start = len(text)
            for sentence in sentences:
                begin = len(text)
                text += sentence
                stance = _stance(sentence)
                statements.append(
                    Statement(
                        id=_id(title, heading, sentence, str(begin)),
                        chunk_id=chunk_id,
                        section_id=section_id,
                        document_id=document_id,
                        start=begin,
                        end=len(text),
                        kind="sentence",
                        text=sentence,
                        stance=stance,
                        options=(stance,) if stance else (),
                        strength=0.5,
                        context=heading,
                    )
                )
                text += "\n"
            end = len(text) - 1 if sentences else len(text)
            address = f"https://example.org/{document_id}#{ordinal}"
            sections.append(Section(section_id, document_id, (heading,), str(ordinal), address, start, end, ordinal))
            if sentences:
                context = f"{title} > {heading}"
                chunks.append(Chunk(chunk_id, document_id, section_id, start, end, context, text[start:end]))
        documents.append(
            Document(
                id=document_id,
                source_id=f"https://example.org/{document_id}",
                origin="tests",
                title=title,
                url=f"https://example.org/{document_id}",
                text=text,
                standing=(standings or {}).get(title, standing),  # type: ignore[arg-type]
                published=None,
                fetched="2026-11-23",
            )
        )
    return Corpus(tuple(documents), tuple(sections), tuple(chunks), tuple(statements))


def _id(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _stance(sentence: str) -> str | None:
    named = [
        o for o, name in (("azure_ml", "Azure Machine Learning"), ("databricks", "Databricks")) if name in sentence
    ]
    return named[0] if len(named) == 1 else None
