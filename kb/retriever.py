"""The hybrid search as LangChain's retriever, for chains and tools that expect one."""

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document as LangChainDocument
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from kb.index import Index, LiveIndex
from kb.records import Evidence
from kb.search import HybridSearch


class HybridRetriever(BaseRetriever):
    """`kb.search.HybridSearch` as a `BaseRetriever`; the fields are its fields."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    index: Any
    k: int = 12
    per_section: int = 2
    reserved: float = 0.5
    depth: int = 60

    def _over(self, index: Index | LiveIndex) -> HybridSearch:
        return HybridSearch(index, self.k, self.per_section, self.reserved, self.depth)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[LangChainDocument]:
        if isinstance(self.index, LiveIndex):
            with self.index.reading() as index:
                return [_as_document(index, each) for each in self._over(index).search(query)]
        return [_as_document(self.index, each) for each in self._over(self.index).search(query)]


def _as_document(index: Index, evidence: Evidence) -> LangChainDocument:
    chunk = evidence.chunk
    section, document = index.section(chunk.section_id), index.document(chunk.document_id)
    return LangChainDocument(
        id=chunk.id,
        page_content=chunk.text,
        metadata={
            "section_id": section.id,
            "title": document.title,
            "section": list(section.path),
            "url": section.url,
            "context": chunk.context,
            "standing": document.standing,
            "score": evidence.score,
            "start": chunk.start,
            "end": chunk.end,
        },
    )
