"""Tells statements that have nothing to do with the document they stand in: they are no evidence for a choice.

A document is about what its statements have in common, the mean of their vectors. What somebody plants in it (an errand
for an obedient reader, say) lies far from that, whatever its words.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kb.records import Statement

NEAREST = 0.2
"""The cosine to the mean below which a statement strays, chosen on the article: none of its own does."""

FEWEST = 10
"""A document with fewer statements has no mean to speak of."""


def astray(statements: Sequence[Statement], vectors: NDArray[np.float32]) -> list[bool]:
    """Which statements stray, given their vectors, shape (n, width). One that names an option never does."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, statement in enumerate(statements):
        rows[statement.document_id].append(row)
    found = [False] * len(statements)
    for own in rows.values():
        if len(own) < FEWEST:
            continue
        mean = vectors[own].mean(axis=0)
        cosines = vectors[own] @ (mean / (np.linalg.norm(mean) + 1e-9))
        for row, cosine in zip(own, cosines, strict=True):
            found[row] = bool(cosine < NEAREST) and not statements[row].options
    return found
