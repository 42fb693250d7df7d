"""Trains what is learned from a guide, and says how well it knows phrasings that it has not seen."""

from collections import defaultdict
from importlib.resources import files
from pathlib import Path

from bot.kinds import train_kinds
from kb.embedders import Embedder, load_embedder
from kb.errors import UsageError
from kb.matching import Matcher
from kb.options import OptionFinder
from kb.settings import Settings
from kb.topics import guide_folder
from kb.understanding import SHIPPED, train_for


def _train_kinds(settings: Settings, embedder: Embedder) -> None:
    finder = OptionFinder(settings.decision.options)
    model = train_kinds(
        encoder=embedder.name,
        embed=embedder.embed_documents,
        matcher=Matcher(settings.decision.options),
        count_named=lambda text: len(finder.named(text)),
    )
    Path(str(files("bot") / "data" / "kinds.npz")).write_bytes(model.to_bytes())


def train_recogniser(settings: Settings) -> tuple[str, ...]:
    """Train on the configured guide and write the result into its folder; lines that report on the training.

    UsageError where no guide with topics is configured.
    """
    guide = settings.topics_guide
    if guide is None:
        raise UsageError("no guide is configured; name one as a [[source]] or in [decision] topics")
    folder = guide_folder(guide, settings.base)
    embedder = load_embedder(settings.embedding, settings.home)
    trained, left_out = train_for(folder, settings, encoder=embedder.name, embed=embedder.embed_documents)
    if not left_out:
        raise UsageError(f"{folder} has no topics; see docs/guide.md")
    (folder / SHIPPED).write_bytes(trained.to_bytes())
    _train_kinds(settings, embedder)
    ranks: dict[str, list[int]] = defaultdict(list)
    for result in left_out:
        ranks[result.topic].append(result.rank)
    shares = {k: sum(r.rank <= k for r in left_out) / len(left_out) for k in (1, 3, 5)}
    hardest = sorted(ranks, key=lambda topic: (sum(rank <= 5 for rank in ranks[topic]) / len(ranks[topic]), topic))[:5]
    return (
        f"{len(left_out)} phrasings of {len(ranks)} topics; left out in turn, each finds its topic first in "
        f"{shares[1]:.1%}, among three in {shares[3]:.1%}, among five in {shares[5]:.1%}",
        f"hardest topics: {', '.join(hardest)}",
        f"kept in {folder / SHIPPED} for the encoder {embedder.name}",
    )
