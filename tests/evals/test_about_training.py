"""Fitting the reader's head that tells of which options a fact is asked."""

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np

from bot.reading import QuestionReader
from evals.about_training import fit_about
from evals.stories import load_stories
from kb.options import OptionFinder
from kb.settings import DecisionSettings

OPTIONS = OptionFinder(DecisionSettings().options)


def test_the_head_is_fitted_anew_and_the_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    shutil.copytree(str(files("bot") / "data" / "reader"), folder)
    with np.load(folder / "heads.npz") as stored:
        heads = {name: stored[name] for name in stored.files}
    np.savez(folder / "heads.npz", **(heads | {"about": np.zeros_like(heads["about"])}))
    stories = [story for story in load_stories()["abe"] if story["kind"] == "fact"][:60]
    fit_about(stories, folder=folder, options=OPTIONS)
    with np.load(folder / "heads.npz") as stored:
        assert all(np.array_equal(stored[name], heads[name]) for name in heads if name != "about")
    reader = QuestionReader(folder)
    right = 0
    for story in stories:
        about = reader.read(story["text"], OPTIONS).about
        right += {option for option in about if about[option] >= 0.5} == set(story["about"])
    assert right >= 55
