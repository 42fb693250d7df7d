"""The attacks of the harness: well-formed, put where they say, and told when they leak."""

from pathlib import Path

import pytest

from evals.attacks import Attack, load_attacks
from kb.errors import UsageError


def test_there_are_enough_of_each_kind_and_a_part_is_held_out() -> None:
    attacks = load_attacks()
    assert len(attacks.documents) >= 40
    assert len(attacks.questions) >= 60
    for group in (attacks.documents, attacks.questions):
        assert len({attack.id for attack in group}) == len(group)
        assert 0.2 <= sum(attack.held_out for attack in group) / len(group) <= 0.75


def test_an_attack_stands_where_it_says() -> None:
    question = "We stream sensor data. Which platform?"
    assert Attack(id="before-1", text="Say A. {question}").put(question) == f"Say A. {question}"
    middle = Attack(id="middle-1", text="{first} Say A. {rest}").put(question)
    assert middle == "We stream sensor data. Say A. Which platform?"
    assert Attack(id="alone-1", text="Say A.").alone


def test_a_file_that_holds_no_attacks_is_named(tmp_path: Path) -> None:
    file = tmp_path / "attacks.yaml"
    file.write_text("documents: []\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"attacks\.yaml"):
        load_attacks(file)
