"""Packs the units of a section into chunks that the encoder reads whole, context and text together."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ingest.sections import Layout, Span, Unit

CountTokens = Callable[[Sequence[str]], list[int]]
"""The number of word pieces of each text, as the encoder counts them."""

_WORDS = 140


@dataclass(frozen=True, slots=True)
class Packed:
    """A chunk: its units, in order, and the context that it borrows."""

    units: tuple[Unit, ...]
    context: str

    @property
    def start(self) -> int:
        """Where its first unit starts in the document's text."""
        return self.units[0].start

    @property
    def end(self) -> int:
        """Where its last unit ends in the document's text."""
        return self.units[-1].end


def pack(layout: Layout, title: str, *, count_tokens: CountTokens, max_tokens: int) -> tuple[Packed, ...]:
    """The chunks of a document, in order. A unit is cut only where it alone, with its context, is too long."""
    packer = _Packer(layout, title, count_tokens, max_tokens)
    return tuple(packer.chunks())


class _Packer:
    def __init__(self, layout: Layout, title: str, count_tokens: CountTokens, max_tokens: int) -> None:
        self._layout = layout
        self._title = title
        self._count = count_tokens
        self._max = max_tokens
        self._short: dict[str, str] = {}

    def chunks(self) -> Iterator[Packed]:
        drafts = [draft for group in self._groups() for draft in self._split_evenly(group)]
        while drafts:
            packed = [Packed(tuple(units), self._context(units)) for units in drafts]
            texts = [
                f"{p.context}\n{self._layout.text[p.start : p.end]}"
                if p.context
                else self._layout.text[p.start : p.end]
                for p in packed
            ]
            counts = self._count(texts)
            if all(count <= self._max for count in counts):
                yield from packed
                return
            drafts = [
                part
                for units, count in zip(drafts, counts, strict=True)
                for part in ([units] if count <= self._max else self._halves(units))
            ]

    def _groups(self) -> Iterator[list[Unit]]:
        """Units that may share a chunk: of one section, and of one table or of none."""
        group: list[Unit] = []
        for unit in self._layout.units:
            if group and (
                unit.section != group[-1].section
                or unit.header != group[-1].header
                or (unit.kind == "cell") != (group[-1].kind == "cell")
            ):
                yield group
                group = []
            group.append(unit)
        if group:
            yield group

    def _split_evenly(self, group: list[Unit]) -> Iterator[list[Unit]]:
        """Runs of about the same number of words, broken between blocks rather than within."""
        sizes = [len(self._layout.words(unit).split()) for unit in group]
        parts = math.ceil(sum(sizes) / _WORDS) or 1
        target = sum(sizes) / parts
        run: list[Unit] = []
        words = 0
        for unit, size in zip(group, sizes, strict=True):
            over = words + size > 1.15 * target
            between = bool(run) and unit.block != run[-1].block
            if run and ((over and (between or words + size > 1.5 * target)) or (between and words >= target)):
                yield run
                run, words = [], 0
            run.append(unit)
            words += size
        if run:
            yield run

    def _halves(self, units: list[Unit]) -> list[list[Unit]]:
        if len(units) > 1:
            sizes = [unit.end - unit.start for unit in units]
            best = min(range(1, len(units)), key=lambda cut: abs(sum(sizes[:cut]) - sum(sizes[cut:])))
            return [units[:best], units[best:]]
        return [[part] for part in self._cut(units[0])]

    def _cut(self, unit: Unit) -> tuple[Unit, Unit]:
        """A unit in two: at a line, a clause or a word near its middle, else in the middle."""
        text = self._layout.words(unit)
        middle = len(text) / 2
        for pattern in (r"\n", r"[.;:,] ", r"\s", r"(?<=[^\w])(?=\w)"):
            places = [m.end() for m in re.finditer(pattern, text) if len(text) * 0.2 < m.end() < len(text) * 0.8]
            if places:
                cut = min(places, key=lambda place: abs(place - middle))
                break
        else:
            cut = max(1, int(middle))
        head = len(text[:cut].rstrip()) or cut
        tail = cut + len(text[cut:]) - len(text[cut:].lstrip())
        return replace(unit, end=unit.start + head), replace(unit, start=unit.start + min(tail, len(text) - 1))

    def _context(self, units: Sequence[Unit]) -> str:
        """Title > headings, then the table's header and row, or the lead-in of a list that the chunk lacks."""
        first = units[0]
        span: Span = self._layout.sections[first.section]
        parts = [" > ".join(_distinct((self._title, *span.path)))]
        if any(first.header):
            parts.append(" | ".join(first.header))
            if first.row and first.row not in self._layout.text[first.start : units[-1].end]:
                parts.append(first.row)
        elif first.lead_in and not first.basis:
            parts.append(first.lead_in)
        return self._shortened("\n".join(part for part in parts if part))

    def _shortened(self, context: str) -> str:
        """The context in at most a third of what the encoder reads; its end is nearest to the text, so that stays."""
        limit = self._max // 3
        if context not in self._short:
            words = context.split(" ")
            while words and len(" ".join(words)) > limit and self._count([" ".join(words)])[0] > limit:
                words = words[max(1, len(words) // 8) :]
            self._short[context] = " ".join(words)
        return self._short[context]


def _distinct(parts: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for part in parts:
        if part and (not kept or part.casefold() != kept[-1].casefold()):
            kept.append(part)
    return kept
