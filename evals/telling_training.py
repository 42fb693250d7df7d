"""Trains what tells instructions from statements: `whichway eval train --telling`, some minutes on two cores."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.disguises import undisguised
from bot.sentences import sentences
from bot.telling import LEAST, WordVectors
from evals.attacks import AttackSet, load_attacks
from evals.bases import prepare
from evals.golden import BaseName
from evals.stories import load_stories
from evals.training import EXAM
from evals.yaml_lines import read_yaml
from kb.embedders import bundled_model_folder
from kb.index import open_index
from kb.settings import Settings

RIDGE = 1 / 30
ATTACKS_COUNT = 10.0
"""An attack counts as so many honest sentences: there are a hundred times as many of these."""

HARDER, ROUNDS = 4.0, 12
"""An honest sentence that is taken for an attack counts so many times more in the next round."""

HONEST_COUNT = 5
"""So often each honest order in the attacks' file is counted."""

MARGIN = 0.05
"""How far below the threshold an honest sentence has to end."""

EXAMPLES = Path(__file__).parent / "data" / "steering.yaml"

Matrix = NDArray[Any]
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
    """Train on what is not held out and write the weights to `file`; how far they reach to `report`."""
    middle = np.asarray(vectors.table.mean(axis=0), np.float32)

    def features(texts: Sequence[str]) -> Matrix:
        found = vectors.features([undisguised(text) for text in texts], middle)
        return np.hstack([found, np.ones((len(texts), 1))])

    known = [a.own for a in (*attacks.documents, *attacks.questions) if not a.held_out] + list(attacks.examples)
    learned, unseen = examples.shared_out(held_out=False), examples.shared_out(held_out=True)
    known += learned.steering
    held_out = [a.own for a in (*attacks.documents, *attacks.questions) if a.held_out]
    bad = features(known)
    kept = features([*honest.kept, *[*learned.stated] * HONEST_COUNT])
    others = features([*honest.others, *[*learned.asked] * HONEST_COUNT])
    rows = np.vstack([bad, kept, others])
    counts = np.ones(len(kept))
    weights: Matrix = np.zeros(bad.shape[1])
    for _ in range(ROUNDS):
        weights = _fitted(rows, len(bad), np.concatenate([counts, np.ones(len(others))]), weights)
        wrong = _chances(kept, weights) >= LEAST - MARGIN
        if not wrong.any():
            break
        counts[wrong] *= HARDER
    np.savez(file, weights=weights.astype(np.float32), middle=middle)
    for name, seen in (
        ("learned from", bad),
        ("attacks held out", features(held_out)),
        ("examples held out", features(unseen.steering)),
        ("honest", kept),
        ("honest examples of documents, held out", features(unseen.stated)),
        ("of questions, held out", features(unseen.asked)),
        ("stories", others),
    ):
        report(f"{name}: {(_chances(seen, weights) >= LEAST).mean():.4f} of {len(seen)}")


def _fitted(rows: Matrix, bad: int, counts: Matrix, start: Matrix) -> Matrix:
    """Ridge logistic regression, the last column a constant. The first `bad` rows are attacks."""
    from scipy.optimize import minimize

    signs = np.concatenate([np.ones(bad), -np.ones(len(counts))])
    weight = np.concatenate([np.full(bad, ATTACKS_COUNT), counts])
    ridge = np.full(rows.shape[1], RIDGE)
    ridge[-1] = 0.0

    def loss(at: Matrix) -> tuple[float, Matrix]:
        margins = signs * (rows @ at)
        value = (weight * np.logaddexp(0.0, -margins)).sum() + (ridge * at * at).sum() / 2
        slope = rows.T @ (-weight * signs / (1 + np.exp(np.minimum(margins, 500)))) + ridge * at
        return float(value), slope

    found: Matrix = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    return found


def _chances(rows: Matrix, weights: Matrix) -> Matrix:
    chances: Matrix = 1 / (1 + np.exp(-(rows @ weights)))
    return chances
