"""The exam of the reader: on stories of authors who are in the repository, and never in the training."""

import re

from evals.reader_exam import examine_reader
from evals.stories import load_stories
from evals.training import EXAM
from kb.settings import Settings


def test_every_author_who_is_left_out_is_examined() -> None:
    assert set(EXAM) <= set(load_stories())
    lines = examine_reader(Settings())
    assert [line.split(":")[0] for line in lines] == list(EXAM)
    choices = [float(found) for line in lines for found in re.findall(r"\bchoice (\d\.\d\d) of", line)]
    assert len(choices) > 3
    assert min(choices) > 0.6
