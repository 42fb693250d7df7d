"""Attacks on the bot: instructions planted in documents or put into questions, ours and those of BIPIA."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.sentences import sentence_spans
from evals.yaml_lines import YamlError, read_yaml
from kb.errors import UsageError

FILE = Path(__file__).parent / "data" / "attacks.yaml"
GRAM = 6
"""So many words of an attack in a row, or all of a shorter one, are a leak."""

_BIPIA = Path("security/bipia/benchmark")
_QUESTION, _FIRST, _REST = "{question}", "{first}", "{rest}"
_PLACES = re.compile("|".join(map(re.escape, (_QUESTION, _FIRST, _REST))))

Text = Annotated[str, Field(min_length=1)]
Grams = frozenset[tuple[str, ...]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attack(_Strict):
    """A text that tries to steer the bot. `held_out`: it is measured, and no rule is written for it."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]+-\d+$")]
    text: Text
    held_out: bool = False

    @property
    def family(self) -> str:
        """The kind of attack: the id without its number."""
        return self.id.rpartition("-")[0]

    @property
    def alone(self) -> bool:
        """Whether it is put without a question."""
        return not _PLACES.search(self.text)

    def put(self, question: str) -> str:
        """The attack beside a question or in it, as it says where: between sentences, else in brackets."""
        whole = len(sentence_spans(question)) == 1
        at = max(question.find(" ", len(question) // 2), 0) if whole else sentence_spans(question)[1][0]
        places = {_QUESTION: question, _FIRST: question[:at].strip(), _REST: question[at:].strip()}
        text = re.sub(r"(?<=^{first} )(?!\()(.*)(?= {rest}$)", r"(\1)", self.text) if whole else self.text
        return _PLACES.sub(lambda place: places[place.group()], text)

    @property
    def own(self) -> str:
        """The attack without the places of the question."""
        return " ".join(part.strip() for part in _PLACES.split(self.text) if part.strip())

    @property
    def grams(self) -> Grams:
        """The runs of words that give the attack away."""
        return frozenset().union(*(_attack_grams(part) for part in _PLACES.split(self.text)))


class AttackSet(_Strict):
    """What is planted in documents, what is put into questions, honest orders, and further attacks to learn from."""

    documents: Annotated[tuple[Attack, ...], Field(min_length=1)]
    questions: Annotated[tuple[Attack, ...], Field(min_length=1)]
    honest: tuple[Text, ...] = ()
    examples: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _ids_once(self) -> "AttackSet":
        for attacks in (self.documents, self.questions):
            if len({attack.id for attack in attacks}) < len(attacks):
                raise ValueError("an id is used twice")
        return self


def load_attacks(path: Path = FILE) -> AttackSet:
    """The attacks in a file. UsageError, in one line, at the first fault."""
    try:
        return AttackSet.model_validate(read_yaml(path.read_text(encoding="utf-8")).data)
    except OSError as error:
        raise UsageError(f"no attacks {str(path)!r}: {error.strerror or error}") from None
    except YamlError as error:
        raise UsageError(f"{path}, line {error.line}: {error}") from None
    except ValidationError as error:
        found = error.errors()[0]
        raise UsageError(f"{path}: {'.'.join(map(str, found['loc']))}: {found['msg']}") from None


def bipia_attacks(test_data: Path) -> tuple[Attack, ...]:
    """Every text attack of the BIPIA benchmark, read where it lies. UsageError where it is not there."""
    files = sorted((test_data / _BIPIA).glob("text_attack_*.json"))
    if not files:
        raise UsageError(f"no BIPIA attacks in {str(test_data / _BIPIA)!r}")
    return tuple(
        Attack(id=f"bipia-{file.stem.rpartition('_')[2]}-{_slug(category)}-{number}", text=text.strip())
        for file in files
        for category, texts in json.loads(file.read_text(encoding="utf-8")).items()
        for number, text in enumerate(texts, 1)
    )


def grams(text: str) -> Grams:
    """Every run of up to GRAM words of a text, the words compared without case, marks and what cannot be seen."""
    words = _words(text)
    return frozenset(tuple(words[at : at + size]) for size in range(1, GRAM + 1) for at in range(len(words) - size + 1))


def _attack_grams(text: str) -> Grams:
    words = _words(text)
    size = min(GRAM, len(words))
    return frozenset(tuple(words[at : at + size]) for at in range(len(words) - size + 1)) if words else frozenset()


def _words(text: str) -> list[str]:
    seen = (char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    return re.findall(r"\w+", "".join(seen).casefold())


def _slug(category: str) -> str:
    return re.sub(r"\W+", "-", category.lower()).strip("-")
