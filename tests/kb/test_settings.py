"""The configuration: what is read, from where, and what is refused in which words."""

from pathlib import Path

import pytest

from kb.errors import UsageError
from kb.settings import BUNDLED_GUIDE, DecisionSettings, Settings, load_settings

SAMPLE = """
[decision]
question = "Kafka or Pulsar?"

[[decision.option]]
id = "kafka"
name = "Apache Kafka"
aliases = ["Kafka"]

[[decision.option]]
id = "pulsar"
name = "Apache Pulsar"

[[source]]
url = "https://docs.example.com/platforms/"
follow = { depth = 2, allow = ["docs.example.com/platforms/*"] }

[[source]]
path = "handbook/**/*.md"
base_url = "https://handbook.example.com/"

[model]
name = "ollama:small"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path, text: str) -> Path:
    file = folder / "whichway.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refused(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings(config=written(folder, text), environ=environ or {})
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_a_file_the_bundled_guide_answers_the_bundled_decision(folder: Path) -> None:
    settings = load_settings(environ={})
    assert [option.id for option in settings.decision.options] == ["azure_ml", "databricks"]
    assert [source.label for source in settings.source] == [BUNDLED_GUIDE]
    assert settings.home == folder / ".whichway"
    assert settings.file is None
    assert settings.model.name == ""


def test_a_file_replaces_the_decision_and_the_sources(folder: Path) -> None:
    settings = load_settings(config=written(folder, SAMPLE), environ={})
    assert [(o.id, o.name, o.aliases) for o in settings.decision.options] == [
        ("kafka", "Apache Kafka", ("Kafka",)),
        ("pulsar", "Apache Pulsar", ()),
    ]
    assert [source.label for source in settings.source] == ["https://docs.example.com/platforms/", "handbook/**/*.md"]
    follow = settings.source[0].follow
    assert follow is not None
    assert (follow.depth, follow.allow) == (2, ("docs.example.com/platforms/*",))
    assert settings.web.port == 7860


def test_topics_of_the_bundled_guide_serve_only_the_bundled_decision(folder: Path) -> None:
    assert load_settings(config=written(folder, SAMPLE), environ={}).topics_guide is None
    assert load_settings(config=written(folder, '[[source]]\npath = "x"'), environ={}).topics_guide == BUNDLED_GUIDE
    named = written(folder, '[decision]\ntopics = ""')
    assert load_settings(config=named, environ={}).topics_guide is None


def test_the_file_is_found_in_a_parent_and_home_lies_beside_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(folder, "[web]\nport = 8000")
    deep = folder / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    settings = load_settings(environ={})
    assert settings.file == file
    assert settings.home == folder / ".whichway"
    assert settings.base == folder
    assert settings.web.port == 8000


def test_home_is_the_option_then_the_environment_then_beside_the_file(folder: Path) -> None:
    file = written(folder, "")
    environ = {"WHICHWAY_HOME": str(folder / "from-environment")}
    assert load_settings(config=file, home=folder / "named", environ=environ).home == folder / "named"
    assert load_settings(config=file, environ=environ).home == folder / "from-environment"
    assert load_settings(config=file, environ={}).home == folder / ".whichway"


def test_the_environment_sets_scalars_over_the_file(folder: Path) -> None:
    environ = {
        "WHICHWAY_WEB_PORT": "9001",
        "WHICHWAY_MODEL_NAME": "",
        "WHICHWAY_FETCH_DELAY_SECONDS": "0.5",
        "WHICHWAY_EMBEDDING_PRECISION": "int8",
    }
    settings = load_settings(config=written(folder, SAMPLE), environ=environ)
    assert settings.web.port == 9001
    assert settings.model.name == ""
    assert settings.fetch.delay_seconds == 0.5
    assert settings.embedding.precision == "int8"


def test_the_environment_sets_no_decision_and_no_sources(folder: Path) -> None:
    environ = {
        "WHICHWAY_DECISION_OPTION": "[]",
        "WHICHWAY_DECISION_QUESTION": "Tea or coffee?",
        "WHICHWAY_SOURCE_PATH": "elsewhere",
        "WHICHWAY_WEB_HOSTS": "x",
    }
    assert load_settings(environ=environ).model_dump() == load_settings(environ={}).model_dump()


def test_a_bad_value_from_the_environment_is_refused_by_its_key(folder: Path) -> None:
    message = refused(folder, "", {"WHICHWAY_WEB_PORT": "http"})
    assert "web.port" in message
    assert "integer" in message


@pytest.mark.parametrize(
    ("text", "named", "near"),
    [
        ("[web]\nprot = 8000", "'web.prot'", "'port'"),
        ("[embeding]\nmodel = 'x'", "'embeding'", "'embedding'"),
        ("[[source]]\nurl = 'https://e.example/'\nfollow = { dept = 1 }", "dept'", "'depth'"),
        ("[decision]\nqestion = 'x'", "'decision.qestion'", "'question'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(folder: Path, text: str, named: str, near: str) -> None:
    message = refused(folder, text)
    assert "whichway.toml" in message
    assert f"did you mean {near}" in message
    assert named in message


def test_an_unknown_key_near_no_other_is_refused_with_the_known_ones(folder: Path) -> None:
    assert "known: " in refused(folder, "[web]\nzzzzzzzz = 1")


@pytest.mark.parametrize("key", ["file", "home"])
def test_where_it_was_found_is_no_key_of_the_file(folder: Path, key: str) -> None:
    assert f"unknown key '{key}'" in refused(folder, f'{key} = "x"')


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[decision.option]]\nid = "a"\nname = "A"', "exactly two options"),
        ('[[decision.option]]\nid = "a"\nname = "A"\n[[decision.option]]\nid = "a"\nname = "B"', "different ids"),
        ('[[decision.option]]\nid = "both"\nname = "A"\n[[decision.option]]\nid = "b"\nname = "B"', "no option ids"),
        ('[[source]]\npath = "x"\nurl = "https://e.example/"', "exactly one of"),
        ("[[source]]\ntitle = 'x'", "exactly one of"),
        ("[web]\nport = 70000", "web.port"),
        ('[store]\nurl = "http://host"', "store.url"),
        ('[slack]\nmode = "telepathy"', "slack.mode"),
        ("[model]\ntimeout_seconds = 0", "model.timeout_seconds"),
    ],
)
def test_a_value_out_of_bounds_is_refused_in_one_line(folder: Path, text: str, says: str) -> None:
    assert says in refused(folder, text)


def test_a_file_that_is_no_toml_is_refused_with_the_place(folder: Path) -> None:
    assert "line 2" in refused(folder, "[web]\nport = = 1\n")
    (folder / "whichway.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"whichway\.toml"):
        load_settings(environ={})


def test_a_file_that_cannot_be_read_is_refused_in_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    file = written(folder, SAMPLE)
    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(UsageError, match=r"whichway\.toml: Permission denied$"):
        load_settings(config=file, environ={})


def test_a_missing_file_is_refused_and_not_replaced_by_defaults(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"no configuration file 'nowhere\.toml'"):
        load_settings(config=Path("nowhere.toml"), environ={})


def test_fingerprints_tell_settings_apart_and_ignore_the_place(folder: Path) -> None:
    here = Settings(home=folder / "a")
    there = Settings(home=folder / "b", file=folder / "whichway.toml")
    assert here.fingerprint() == there.fingerprint()
    swapped = Settings(decision=DecisionSettings(option=tuple(reversed(DecisionSettings().option))))
    assert swapped.decision_fingerprint() != here.decision_fingerprint()
    assert Settings(web=here.web.model_copy(update={"port": 1})).decision_fingerprint() == here.decision_fingerprint()
