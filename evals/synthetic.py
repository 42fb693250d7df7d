"""A corpus of any size for benchmarks: real documents, and pages recombined from their sentences, always alike."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kb.embedders import Embedder, Vector
from kb.records import Chunk, Corpus, Document, Section, Statement

SENTENCES_A_CHUNK = 5
CHUNKS_A_SECTION = 2
SECTIONS_A_PAGE = 6
JITTER = 0.35
"""Length of the random part that is added to the mean of a chunk's sentence vectors."""


@dataclass(frozen=True, slots=True)
class Recombined:
    """A chunk to come: its page, section and sentences, each a statement of the real corpus."""

    page: int
    section: int
    heading: str
    sentences: tuple[Statement, ...]


def recombined(corpus: Corpus, chunks: int, *, seed: int = 0) -> Iterator[Recombined]:
    """So many chunks, each of sentences drawn at random from the corpus; ValueError where it has none."""
    donors = [each for each in corpus.statements if each.kind in ("sentence", "item") and "\n" not in each.text]
    if not donors:
        raise ValueError("no sentences to recombine")
    headings = sorted({section.path[-1] for section in corpus.sections if section.path}) or ["Overview"]
    random = np.random.default_rng(seed)
    for number in range(chunks):
        section = number // CHUNKS_A_SECTION
        drawn = random.integers(len(donors), size=SENTENCES_A_CHUNK)
        heading = headings[(section * 7919) % len(headings)]
        yield Recombined(section // SECTIONS_A_PAGE, section, heading, tuple(donors[int(row)] for row in drawn))


def markdown_pages(corpus: Corpus, chunks: int) -> Iterator[tuple[str, str]]:
    """File name and Markdown of pages with about so many chunks: what an ingest reads."""
    lines: list[str] = []
    page = section = -1
    for piece in recombined(corpus, chunks):
        if piece.page != page:
            if lines:
                yield f"page-{page:05}.md", "\n\n".join(lines) + "\n"
            page, lines = piece.page, [f"# Page {piece.page}"]
        if piece.section != section:
            section = piece.section
            lines.append(f"## {piece.heading}")
        lines.append(" ".join(each.text for each in piece.sentences))
    if lines:
        yield f"page-{page:05}.md", "\n\n".join(lines) + "\n"


def extend(corpus: Corpus, chunks: int) -> tuple[Corpus, Mapping[str, tuple[str, ...]]]:
    """The corpus with reference pages up to so many chunks, and the sentences that each new indexed text is made of."""
    documents, sections = list(corpus.documents), list(corpus.sections)
    all_chunks, statements = list(corpus.chunks), list(corpus.statements)
    made_of: dict[str, tuple[str, ...]] = {}
    text, page, section = "", -1, -1
    for piece in recombined(corpus, max(0, chunks - len(corpus.chunks))):
        document_id = _id("page", piece.page)
        url = f"https://bench.example/page-{piece.page}"
        if piece.page != page:
            page, text = piece.page, ""
            documents.append(
                Document(document_id, url, "bench", f"Page {page}", url, "", "reference", None, "2026-01-01")
            )
        section_id = _id("section", piece.section)
        if piece.section != section:
            section = piece.section
            address = f"{url}#{piece.section}"
            start = len(text)
            sections.append(
                Section(section_id, document_id, (piece.heading,), str(piece.section), address, start, start, 0)
            )
        chunk_id, begin = _id("chunk", len(all_chunks)), len(text)
        for sentence in piece.sentences:
            start = len(text)
            text += sentence.text
            statements.append(
                replace(
                    sentence,
                    id=_id("statement", len(statements)),
                    chunk_id=chunk_id,
                    section_id=section_id,
                    document_id=document_id,
                    start=start,
                    end=len(text),
                    basis=(),
                )
            )
            text += " "
        chunk = Chunk(
            chunk_id,
            document_id,
            section_id,
            begin,
            len(text) - 1,
            f"Page {page} > {piece.heading}",
            text[begin : len(text) - 1],
        )
        made_of[chunk.indexed_text] = tuple(sentence.text for sentence in piece.sentences)
        all_chunks.append(chunk)
        sections[-1] = replace(sections[-1], end=len(text) - 1)
        documents[-1] = replace(documents[-1], text=text)
    return Corpus(tuple(documents), tuple(sections), tuple(all_chunks), tuple(statements), corpus.left_out), made_of


class RecombinedEmbedder:
    """Gives recombined texts the mean of their sentences' vectors and some noise; encodes every other text.

    So 100,000 chunks cost the encoding of the real sentences alone. Its name is the encoder's: keep its vectors in a
    home of their own.
    """

    def __init__(self, encoder: Embedder, made_of: Mapping[str, tuple[str, ...]]) -> None:
        self._encoder = encoder
        self._made_of = made_of
        sentences = sorted({sentence for found in made_of.values() for sentence in found})
        self._row = {sentence: row for row, sentence in enumerate(sentences)}
        self._vectors = encoder.embed_documents(sentences)
        self.name, self.dimension, self.max_tokens = encoder.name, encoder.dimension, encoder.max_tokens
        self.embed_query, self.embed_queries = encoder.embed_query, encoder.embed_queries
        self.count_tokens = encoder.count_tokens

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """See `kb.embedders.Embedder`."""
        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        real = [row for row, text in enumerate(texts) if text not in self._made_of]
        if real:
            out[real] = self._encoder.embed_documents([texts[row] for row in real])
        for row, text in enumerate(texts):
            sentences = self._made_of.get(text)
            if sentences is not None:
                mean = self._vectors[[self._row[each] for each in sentences]].mean(axis=0)
                seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
                noise = np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)
                vector = mean / np.linalg.norm(mean) + JITTER * noise / np.linalg.norm(noise)
                out[row] = vector / np.linalg.norm(vector)
        return out


def _id(*parts: object) -> str:
    return hashlib.sha256("\x1f".join(("synthetic", *map(str, parts))).encode()).hexdigest()[:20]
