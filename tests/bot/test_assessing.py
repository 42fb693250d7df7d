"""The assessor tells a statement that answers from one that only resembles the question; the seeker finds evidence."""

import numpy as np
import pytest
from asked_bases import Base

from bot.answer import Question
from bot.assessing import shipped_assessor, shown
from bot.chain import ExtractiveChain
from bot.factory import extractive_chain
from bot.masking import masked
from bot.seeking import shipped_seeker
from kb.options import OptionFinder
from kb.settings import Settings

PAIRS = (
    (
        "How many seconds may a web service take to answer?",
        "A call to the service is cut off after 90 seconds.",
        "A call to the service can be retried from the studio page.",
    ),
    (
        "Which languages can a notebook hold?",
        "A notebook can mix Python, SQL, Scala and R.",
        "Notebooks are shared with the whole team and keep a history.",
    ),
    (
        "Does Azure Machine Learning charge a fee on top of the machines?",
        "There is no extra charge: only the virtual machines are billed.",
        "Budgets and alerts keep an eye on what the virtual machines cost.",
    ),
)


@pytest.fixture(scope="module")
def options() -> OptionFinder:
    return OptionFinder(Settings().decision.options)


@pytest.fixture(scope="module")
def chain(article_base: Base) -> ExtractiveChain:
    return extractive_chain(article_base.settings, article_base.index)


def read(question: str, statements: tuple[str, ...], options: OptionFinder) -> list[float]:
    texts = [shown(text, ("Guide", "Details"), "Guide", options) for text in statements]
    return [float(p) for p in shipped_assessor().answers(masked(question, options).text, texts)]


@pytest.mark.parametrize(("question", "answering", "near"), PAIRS)
def test_what_answers_stands_before_what_resembles(
    question: str, answering: str, near: str, options: OptionFinder
) -> None:
    first, second = read(question, (answering, near), options)
    assert 1 >= first > second >= 0


def test_a_statement_is_read_alike_alone_and_beside_others(options: OptionFinder) -> None:
    question, answering, near = PAIRS[0]
    together = read(question, (near, answering, near * 9), options)
    # Computed in eight bits, with a scale for what is read together.
    assert together[1] == pytest.approx(read(question, (answering,), options)[0], abs=0.1)
    assert read(question, (), options) == []


def test_the_order_of_the_options_does_not_matter(options: OptionFinder) -> None:
    statement = ("Both have private networks.",)
    one = read("Azure Machine Learning or Azure Databricks: which has private networks?", statement, options)
    other = read("Azure Databricks or Azure Machine Learning: which has private networks?", statement, options)
    assert one == other


def test_a_need_in_other_words_finds_its_statements(chain: ExtractiveChain) -> None:
    draft = chain.judged(Question(text="Our clerks cannot program but should train models by clicking. Which one?"))
    assert draft.sought is not None
    assert draft.sought.min() >= 0
    assert draft.sought.max() <= 1
    best = chain.weighing.most_sought(draft.sought, 3)
    assert [chance for _, chance in best] == sorted((chance for _, chance in best), reverse=True)
    assert any("Designer" in statement.text for statement, _ in best)


def test_without_statements_there_is_nothing_to_seek(chain: ExtractiveChain) -> None:
    draft = chain.judged(Question(text="streams of sensor data"))
    assert draft.reading is not None
    assert draft.vector is not None
    found = shipped_seeker().likely(draft.reading, draft.vector, np.zeros((0, 384), np.float32))
    assert found.shape == (0,)
