"""The citation list of one answer: numbers are keys that it gives out, quotes are spans of stored sections."""

from collections.abc import Sequence

from bot.answer import Citation, CitationBasis
from kb.index import Index
from kb.records import Statement

LIMIT = 6
"""At most so many citations an answer."""


class Citations:
    """Collects the citations of one answer. The same statement has one number; past `limit` there are no new ones."""

    def __init__(self, index: Index, *, limit: int = LIMIT, known: Sequence[Citation] = ()) -> None:
        """`known` are citations made before, whose numbers stay."""
        self._index = index
        self._limit = limit
        self._made: list[Citation] = list(known)
        self._numbers = {(c.section_id, c.start, c.end): c.n for c in known}

    @property
    def room(self) -> int:
        """How many further statements can be cited."""
        return self._limit - len(self._made)

    def cite(self, statement: Statement) -> int | None:
        """The statement's number; None where there is no room for another one."""
        known = self.number(statement)
        if known is not None:
            return known
        if self.room <= 0:
            return None
        section = self._index.section(statement.section_id)
        document = self._index.document(statement.document_id)
        number = len(self._made) + 1
        text = self._index.section_text(section.id)
        span = self._span(statement)
        start, end = span[1], span[2]
        self._numbers[span] = number
        self._made.append(
            Citation(
                n=number,
                section_id=section.id,
                source_id=document.source_id,
                title=document.title,
                section=section.path,
                url=section.url,
                quote=text[start:end],
                start=start,
                end=end,
                published=document.published,
                fetched=document.fetched,
                basis=tuple(
                    CitationBasis(title=b.title, section=b.section, url=b.url, published=b.published, read=b.read)
                    for b in statement.basis
                ),
            )
        )
        return number

    def number(self, statement: Statement) -> int | None:
        """The number that the statement has; None where it is not cited."""
        return self._numbers.get(self._span(statement))

    def _span(self, statement: Statement) -> tuple[str, int, int]:
        start = self._index.section(statement.section_id).start
        return statement.section_id, statement.start - start, statement.end - start

    def all(self) -> tuple[Citation, ...]:
        """The citations, in the order of their numbers."""
        return tuple(self._made)
