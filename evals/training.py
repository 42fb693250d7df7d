"""Trains what is learned of how people ask: the recogniser of a guide's topics, and the question reader."""

import tomllib
from collections import defaultdict
from importlib.resources import files
from pathlib import Path

from bot.evidence import WeighingStatements
from bot.masking import masked
from bot.reading import shipped_reader
from evals.about_training import fit_about
from evals.assessments import Assessed, load_assessments
from evals.assessor_training import train_assessor
from evals.bases import prepare
from evals.reader_training import Report, train_reader
from evals.seeker_training import train_seeker
from evals.stories import Example, asked_examples, example_of, load_stories, phrasing_examples
from kb.embedders import bundled_model_folder, load_embedder
from kb.errors import UsageError
from kb.index import open_index
from kb.options import OptionFinder
from kb.settings import Settings
from kb.topics import guide_folder, load_background, load_topics
from kb.understanding import SHIPPED, load_recogniser, train_for


def train_recogniser(settings: Settings) -> tuple[str, ...]:
    """Train on the configured guide and write the result into its folder; lines that report on the training.

    UsageError where no guide with topics is configured.
    """
    guide = settings.topics_guide
    if guide is None:
        raise UsageError("no guide is configured; name one as a [[source]] or in [decision] topics")
    folder = guide_folder(guide, settings.base)
    embedder = load_embedder(settings.embedding, settings.home)
    trained, left_out = train_for(folder, settings, encoder=embedder.name, embed=embedder.embed_queries)
    if not left_out:
        raise UsageError(f"{folder} has no topics; see docs/guide.md")
    (folder / SHIPPED).write_bytes(trained.to_bytes())
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


MIXES, ASKED, TIMES = 700, 900, 2
"""Texts of several phrasings, plain questions, and how often an epoch sees each story."""

ASSESSED_EXAM = ("quy", "rex")
"""Authors of assessed questions alone who are left out as well."""

LONGEST = 300
"""Characters of the longest question that the assessor learns from, where it asks; few are longer."""

EXAM = ("per", "leo", "rob", "pam", "bev", "huw", "ina", "jem", "kay", "lou", "mel")
"""Authors whose stories are left out: what the verdict's weights and the refusals are fitted on, and an exam."""

_KINDS = {"premise": "false_premise", "far": "off_topic"}


def train_question_reader(settings: Settings, *, report: Report) -> Path:
    """Train the reader on stories, phrasings and kinds, and write it where it is shipped; the folder."""
    guide = guide_folder(settings.topics_guide or "", settings.base)
    options = OptionFinder(settings.decision.options)
    topics = load_topics(guide)
    base = prepare("guide", settings)
    with open_index(base) as index:  # without the chain, which wants the reader that is to be trained
        known = load_recogniser(base, encoder=index.embedder.name, embed=index.embedder.embed_queries)
        leanings = WeighingStatements(index, known).leanings
    leans: dict[str, str] = {}
    calls_for: dict[str, dict[str, float]] = {}
    for topic, leaning in leanings.items():
        if leaning.shared:
            calls_for[topic] = {leaning.shared: 1.0}
            continue
        best = max(leaning.scores, key=lambda option: leaning.scores[option])
        leans[topic] = best
        calls_for[topic] = {best: 1.0} if leaning.scores[best] > 0.8 else {best: 0.85, "either": 0.15}
    examples = phrasing_examples(topics, load_background(guide), options, mixes=MIXES, seed=1)
    examples += asked_examples(topics, options, calls_for, count=ASKED, seed=1)
    kinds = tomllib.loads((files("evals") / "data" / "kinds.toml").read_text(encoding="utf-8"))
    for kind, texts in kinds.items():
        examples += [Example(masked(text, options).text, (), _KINDS.get(kind, kind)) for text in texts]
    for author, stories in load_stories().items():
        if author not in EXAM:
            examples += TIMES * [example_of(story, options) for story in stories]
    folder = Path(str(files("bot") / "data" / "reader"))
    train_reader(
        examples,
        encoder=bundled_model_folder(),
        topics=[topic.id for topic in topics],
        options=[option.id for option in settings.decision.options],
        leans=leans,
        folder=folder,
        report=report,
    )
    return fit_shipped_about(settings)


def fit_shipped_about(settings: Settings) -> Path:
    """Fit the reader's head that tells of which options a fact is asked, where it is shipped; the folder."""
    folder = Path(str(files("bot") / "data" / "reader"))
    stories = [story for author, told in load_stories().items() if author not in EXAM for story in told]
    fit_about(stories, folder=folder, options=OptionFinder(settings.decision.options))
    return folder


def train_shipped_assessor(settings: Settings, *, report: Report) -> Path:
    """Train the assessor on the judged questions of all but the exam's authors, and write it where it is shipped."""
    judged = [each for each in load_assessments(settings) if _learned_from(each)]
    file = Path(str(files("bot") / "data" / "assessor.onnx"))
    train_assessor(judged, encoder=bundled_model_folder(), file=file, report=report)
    return file


def train_shipped_seeker(settings: Settings, *, report: Report) -> Path:
    """Train the seeker on the judged questions of all but the exam's authors, and write it where it is shipped."""
    judged = [each for each in load_assessments(settings) if each.author not in (*EXAM, *ASSESSED_EXAM)]
    file = Path(str(files("bot") / "data" / "seeker.npz"))
    train_seeker(
        judged,
        reader=shipped_reader(),
        options=OptionFinder(settings.decision.options),
        embedder=load_embedder(settings.embedding, settings.home),
        file=file,
        report=report,
    )
    return file


def _learned_from(each: Assessed) -> bool:
    return each.author not in (*EXAM, *ASSESSED_EXAM) and len(each.masked) < LONGEST
