"""Finds documents that say nearly the same, so that one text is not counted as two witnesses."""

import heapq
import re
import zlib
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from ingest.document import Records
from kb.records import LeftOut

_SHINGLE = 6
_SKETCH = 128
_SAME = 0.9


def without_duplicates(records: Sequence[Records]) -> tuple[list[Records], list[LeftOut]]:
    """The documents, in order, each text once, and those left out with the one that stands for them.

    Of two that share nine tenths of their six-word runs the one with a public address stays, else the first.
    """
    sketches = [_sketch(record.document.text) for record in records]
    holders: dict[int, list[int]] = defaultdict(list)
    order = sorted(range(len(records)), key=lambda index: (not _is_public(records[index]), index))
    stands_for: dict[int, int] = {}
    for index in order:
        shared: dict[int, int] = defaultdict(int)
        for value in sketches[index]:
            for other in holders[value]:
                shared[other] += 1
        alike = [
            other
            for other, count in shared.items()
            if count >= _SAME * max(len(sketches[index]), len(sketches[other]))  # else they cannot be that similar
            and _similarity(sketches[index], sketches[other]) >= _SAME
        ]
        if alike:
            stands_for[index] = min(alike)
        else:
            for value in sketches[index]:
                holders[value].append(index)
    left_out = [
        LeftOut(
            records[index].document.source_id,
            f"nearly the same text as {records[other].document.source_id}, which is cited instead",
        )
        for index, other in sorted(stands_for.items())
    ]
    return [record for index, record in enumerate(records) if index not in stands_for], left_out


def _is_public(record: Records) -> bool:
    return record.document.url.startswith(("http://", "https://"))


def _sketch(text: str) -> frozenset[int]:
    """The smallest hashes of a text's six-word runs: two sketches overlap as the texts do (bottom-k MinHash)."""
    words = [_number(word) for word in re.findall(r"\w+", text.casefold())]
    runs = set(map(hash, zip(*(words[start:] for start in range(_SHINGLE)), strict=False))) or {hash(tuple(words))}
    return frozenset(heapq.nsmallest(_SKETCH, runs))


@lru_cache(maxsize=50_000)
def _number(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def _similarity(one: frozenset[int], two: frozenset[int]) -> float:
    smallest = set(heapq.nsmallest(_SKETCH, one | two))
    return len(smallest & one & two) / len(smallest) if smallest else 0.0
