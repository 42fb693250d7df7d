"""Trains the seeker: `whichway eval train --seeker`, a minute on two cores.

Query-side fine-tuning: the statements' vectors stay as they are, and a small network learns, from what the reader sees
of each stretch of a question, where among them the statements stand that judges put under its answer. Loss: cross-
entropy against the judged grade, and a softmax over the statements of each question.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.reading import QuestionReader
from bot.seeking import SHARPNESS, Matrix
from evals.assessments import Assessed
from kb.embedders import Embedder
from kb.matching import Matcher
from kb.options import OptionFinder

HIDDEN, EPOCHS, QUESTIONS, RATE = 512, 10, 16, 1e-3
_SEEN, _INSIDE = 0.1, 0.3
"""Shares of the network's input and of its hidden layer that are dropped in training."""

TARGETS = (0.0, 0.5, 1.0)
"""The probability that is wanted of each grade."""

_AMONG = 0.3
"""How much the softmax over a question's statements counts."""

SEED = 0

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Row:
    """A question: `seen`, (stretches, features), its vector, its statements' vectors, and what is wanted of them."""

    seen: Matrix
    vector: Matrix
    statements: Matrix
    wanted: Matrix


def train_seeker(
    assessed: Sequence[Assessed],
    *,
    reader: QuestionReader,
    options: OptionFinder,
    embedder: Embedder,
    file: Path,
    report: Report,
) -> None:
    """Train on the judged questions and write the network to `file`; a line an epoch to `report`."""
    import torch
    from torch import nn

    torch.manual_seed(SEED)
    rng = random.Random(SEED)  # noqa: S311 - a shuffle
    rows = _rows(assessed, reader, options, embedder)
    width = rows[0].vector.shape[0]
    inner = nn.Linear(rows[0].seen.shape[1] + width, HIDDEN)
    outer = nn.Linear(HIDDEN, width)
    nn.init.zeros_(outer.weight)
    nn.init.zeros_(outer.bias)
    seen_drop, inside_drop = nn.Dropout(_SEEN), nn.Dropout(_INSIDE)
    balance = nn.Parameter(torch.tensor([1.0, 12.0, -6.0]))
    steps = torch.optim.AdamW(
        [
            {"params": [*inner.parameters(), *outer.parameters()], "lr": RATE, "weight_decay": 0.05},
            {"params": [balance], "lr": 10 * RATE, "weight_decay": 0.0},
        ]
    )
    total = EPOCHS * -(-len(rows) // QUESTIONS)
    schedule = torch.optim.lr_scheduler.LambdaLR(steps, lambda step: max(0.02, 1 - step / total))
    for epoch in range(EPOCHS):
        rng.shuffle(rows)
        lost = 0.0
        for start in range(0, len(rows), QUESTIONS):
            loss = torch.zeros(())
            for row in rows[start : start + QUESTIONS]:
                vector, statements = torch.from_numpy(row.vector), torch.from_numpy(row.statements)
                beside = torch.cat([torch.from_numpy(row.seen), vector.expand(len(row.seen), -1)], dim=1)
                sought = outer(inside_drop(torch.relu(inner(seen_drop(beside)))))
                scores = statements @ sought.T + balance[0] * (statements @ vector)[:, None]
                logits = balance[1] * torch.logsumexp(SHARPNESS * scores, dim=1) / SHARPNESS + balance[2]
                wanted = torch.from_numpy(row.wanted)
                loss = loss + nn.functional.binary_cross_entropy_with_logits(logits, wanted)
                if bool((wanted == 1).any()) and bool((wanted == 0).any()):
                    share = (wanted / wanted.sum())[None]
                    loss = loss + _AMONG * nn.functional.cross_entropy(logits[None], share)
            steps.zero_grad()
            (loss / QUESTIONS).backward()  # type: ignore[no-untyped-call]
            steps.step()
            schedule.step()
            lost += float(loss.detach())
        report(f"epoch {epoch + 1} of {EPOCHS}: loss {lost / len(rows):.3f} over {len(rows)} questions")
    stored: dict[str, Any] = {
        "w1": inner.weight.detach().numpy().T.astype(np.float16),
        "b1": inner.bias.detach().numpy(),
        "w2": outer.weight.detach().numpy().T.astype(np.float16),
        "b2": outer.bias.detach().numpy(),
        "balance": balance.detach().numpy(),
        "encoder": np.array(embedder.name),
    }
    np.savez_compressed(file, **stored)


def _rows(
    assessed: Sequence[Assessed], reader: QuestionReader, options: OptionFinder, embedder: Embedder
) -> list[_Row]:
    matcher = Matcher(options.options)
    words = sorted({text for each in assessed for text in each.words})
    vectors = dict(zip(words, embedder.embed_documents(words), strict=True))
    found = []
    for each in assessed:
        seen = reader.read(each.text, options).seen
        if len(seen):
            vector = embedder.embed_query(matcher.nameless(each.text) or each.text)
            statements = np.stack([vectors[text] for text in each.words])
            wanted = np.array([TARGETS[grade] for grade in each.grades], np.float32)
            found.append(_Row(seen.astype(np.float32), np.asarray(vector, np.float32), statements, wanted))
    return found
