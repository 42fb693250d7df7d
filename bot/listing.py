"""What is in the index, a row a source: for the sources page, the API and MCP."""

from collections import Counter

from pydantic import BaseModel, ConfigDict

from kb.reader import SnapshotReader
from kb.records import Corpus


class SourceRow(BaseModel):
    """One document of the index. Dates are ISO dates, None where the source gives none."""

    model_config = ConfigDict(frozen=True)

    title: str
    url: str
    standing: str
    published: str | None = None
    fetched: str = ""
    sections: int = 0
    chunks: int = 0
    licence: str | None = None
    state: str = "current"


def source_rows(index: SnapshotReader | Corpus) -> list[SourceRow]:
    """A row a document, in the order of the index. Parses no statement."""
    sections = Counter(section.document_id for section in index.sections)
    chunks = Counter(chunk.document_id for chunk in index.chunks)
    return [
        SourceRow(
            title=document.title,
            url=document.url,
            standing=document.standing,
            published=document.published,
            fetched=document.fetched,
            sections=sections[document.id],
            chunks=chunks[document.id],
            licence=document.licence,
            state=document.state,
        )
        for document in index.documents
    ]
