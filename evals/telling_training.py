"""Trains what tells instructions from statements: `whichway eval train --telling`, some minutes of one core."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.disguises import undisguised
from bot.sentences import sentences
from bot.telling import LEAST, Teller, WordVectors
from evals.attacks import AttackSet, load_attacks
from evals.bases import prepare
from evals.golden import BaseName
from evals.stories import load_stories
from evals.training import EXAM
from evals.yaml_lines import read_yaml
from kb.embedders import bundled_model_folder
from kb.index import open_index
from kb.settings import Settings

HIDDEN, EPOCHS, BATCH, RATE, DECAY = 64, 40, 512, 2e-3, 0.01
SEED = 0
ATTACKS_COUNT = 50.0
"""An attack counts as so many honest sentences: there are some fifty times as many of these."""

HARDER = 1.5
"""An honest sentence that is taken for an attack counts so many times more in the next epoch."""

HONEST_COUNT = 5
"""So often each honest order in the attacks' file is counted."""

MARGIN = 0.05
"""How far below the threshold an honest sentence has to end."""

EXAMPLES = Path(__file__).parent / "data" / "steering.yaml"

Matrix = NDArray[np.float32]
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Honest:
    """Sentences that tell nobody what to answer: `kept` must never be taken for attacks, the others seldom."""

    kept: Sequence[str]
    others: Sequence[str]


@dataclass(frozen=True, slots=True)
class Examples:
    """Sentences that steer, and honest ones that look like them, of documents and of questions."""

    steering: Sequence[str]
    stated: Sequence[str]
    asked: Sequence[str]

    def shared_out(self, *, held_out: bool) -> "Examples":
        """One in five of each, or the others."""
        return Examples(
            *(
                [text for number, text in enumerate(texts) if (number % 5 == 0) is held_out]
                for texts in (self.steering, self.stated, self.asked)
            )
        )


def load_examples(path: Path = EXAMPLES) -> Examples:
    """The sentences of `evals/data/steering.yaml`."""
    found: Any = read_yaml(path.read_text(encoding="utf-8")).data
    documents, questions = found["documents"], found["questions"]
    return Examples([*documents["steering"], *questions["steering"]], documents["honest"], questions["honest"])


def train_shipped_teller(settings: Settings, *, report: Report) -> Path:
    """Train on the attacks of `evals/data`, the guide, the 319 documents and the stories; write where it is shipped."""
    attacks = load_attacks()
    bases: tuple[BaseName, ...] = ("guide", "corpus")
    texts = [text for base in bases for text in _statements(prepare(base, settings))]
    stories = [
        story["text"]
        for author, told in load_stories().items()
        for story in told
        if author not in EXAM and story.get("unanswerable") != "instruction"
    ]
    kept = [*_with_sentences(texts), *attacks.honest * HONEST_COUNT]
    others = [each for story in dict.fromkeys(stories) for each in sentences(story)]
    file = Path(str(files("bot") / "data" / "telling.npz"))
    vectors = WordVectors(bundled_model_folder())
    train_teller(attacks, load_examples(), Honest(kept, others), vectors=vectors, file=file, report=report)
    return file


def _statements(settings: Settings) -> list[str]:
    with open_index(settings) as index:
        return [statement.text for statement in index.statements]


def _with_sentences(texts: Iterable[str]) -> list[str]:
    """Each text once, and each of its sentences."""
    return list(dict.fromkeys(part for text in texts for part in (text, *sentences(text))))


def train_teller(
    attacks: AttackSet, examples: Examples, honest: Honest, *, vectors: WordVectors, file: Path, report: Report
) -> None:
    """Train on what is not held out and write the weights to `file`; how far they reach to `report`.

    Those that have to be kept end MARGIN below the threshold, but for the rounding of the weights.
    """
    middle = np.asarray(vectors.table.mean(axis=0), np.float32)

    def features(texts: Sequence[str]) -> Matrix:
        return vectors.features([undisguised(text) for text in texts], middle)

    known = [a.own for a in (*attacks.documents, *attacks.questions) if not a.held_out] + list(attacks.examples)
    learned, unseen = examples.shared_out(held_out=False), examples.shared_out(held_out=True)
    bad = features([*known, *learned.steering])
    kept = features([*honest.kept, *[*learned.stated] * HONEST_COUNT])
    others = features([*honest.others, *[*learned.asked] * HONEST_COUNT])
    layers = _fitted(bad, kept, others, report=report)
    kept_layers: dict[str, Any] = {name: layer.astype(np.float16) for name, layer in layers.items()}
    np.savez_compressed(file, middle=middle, **kept_layers)
    teller = Teller(file, vectors)
    held_out = [a.own for a in (*attacks.documents, *attacks.questions) if a.held_out]
    for name, texts in (
        ("learned from", [*known, *learned.steering]),
        ("attacks held out", held_out),
        ("examples held out", unseen.steering),
        ("honest", honest.kept),
        ("honest examples of documents, held out", unseen.stated),
        ("of questions, held out", unseen.asked),
        ("stories", honest.others),
    ):
        told = teller.chances([undisguised(text) for text in texts]) >= LEAST
        report(f"{name}: {told.mean():.4f} of {len(texts)}")


def _fitted(bad: Matrix, kept: Matrix, others: Matrix, *, report: Report) -> dict[str, Matrix]:
    """The layers of the network; a line now and then to `report`."""
    import torch
    from torch import nn

    torch.manual_seed(SEED)
    rows = torch.from_numpy(np.vstack([bad, kept, others]))
    right = torch.zeros(len(rows))
    right[: len(bad)] = 1.0
    counts = torch.ones(len(rows))
    counts[: len(bad)] = ATTACKS_COUNT
    keep = slice(len(bad), len(bad) + len(kept))
    first, last = nn.Linear(rows.shape[1], HIDDEN), nn.Linear(HIDDEN, 1)
    network = nn.Sequential(nn.Dropout(0.05), first, nn.ReLU(), nn.Dropout(0.1), last)
    steps = torch.optim.AdamW(network.parameters(), weight_decay=DECAY)
    total = EPOCHS * -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(steps, RATE, total_steps=total)
    nearly = math.log((LEAST - MARGIN) / (1 - LEAST + MARGIN))
    highest = 0.0
    for epoch in range(1, EPOCHS + 1):
        network.train()
        for batch in torch.split(torch.randperm(len(rows)), BATCH):
            losses = nn.functional.binary_cross_entropy_with_logits(
                network(rows[batch])[:, 0], right[batch], reduction="none"
            )
            steps.zero_grad()
            (losses * counts[batch]).mean().backward()  # type: ignore[no-untyped-call]
            steps.step()
            schedule.step()
        network.eval()
        with torch.no_grad():
            scores = network(rows[keep])[:, 0]
        wrong = scores >= nearly
        highest = float(scores.max())
        counts[keep][wrong] *= HARDER
        if epoch % 10 == 0:
            report(f"epoch {epoch} of {EPOCHS}: {int(wrong.sum())} honest sentences too near")
    return {
        "w1": first.weight.detach().numpy().T,
        "b1": first.bias.detach().numpy(),
        "w2": last.weight.detach().numpy()[0],
        "b2": last.bias.detach().numpy()[0] - max(highest - nearly, 0.0),
    }
