"""The configuration: `whichway.toml`, the environment over it, and the home folder.

Strict: an unknown key is refused with the nearest known one. Every scalar key can be set as
`WHICHWAY_<SECTION>_<KEY>`; decisions and sources live in the file only, secrets in the environment only.
"""

import difflib
import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kb.errors import UsageError
from kb.records import Option

BUNDLED_GUIDE = "azure-ml-vs-databricks"
RESERVED_IDS = frozenset({"both", "either", "neither"})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OptionSettings(_Strict):
    """One option of the decision."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str = Field(min_length=1)
    aliases: tuple[str, ...] = ()


class DecisionSettings(_Strict):
    """The choice that the knowledge base is about: a question and exactly two options.

    `topics` is the guide whose topics help to understand a question, `""` for none; left out, it is the guide
    among the sources, or the bundled guide for the bundled decision.
    """

    question: str = "Azure Machine Learning or Azure Databricks?"
    option: tuple[OptionSettings, ...] = (
        OptionSettings(id="azure_ml", name="Azure Machine Learning", aliases=("Azure ML", "AzureML", "AML")),
        OptionSettings(id="databricks", name="Azure Databricks", aliases=("Databricks", "DBX")),
    )

    topics: str | None = None

    @model_validator(mode="after")
    def _two_plain_options(self) -> "DecisionSettings":
        ids = [option.id for option in self.option]
        if len(set(ids)) != 2 or len(ids) != 2:
            raise ValueError("a decision has exactly two options with different ids")
        if RESERVED_IDS & set(ids):
            raise ValueError(f"{', '.join(sorted(RESERVED_IDS))} are no option ids")
        return self

    @property
    def options(self) -> tuple[Option, Option]:
        """The two options as records."""
        first, second = (Option(o.id, o.name, o.aliases) for o in self.option)
        return first, second


class FollowSettings(_Strict):
    """How far links are followed from an address; `allow` are patterns of host and path."""

    depth: int = Field(default=1, ge=0, le=5)
    allow: tuple[str, ...] = ()
    pages: int = Field(default=500, ge=1)


class SourceSettings(_Strict):
    """One source: exactly one of `guide`, `path`, `url`, `sitemap`, `reading_list`."""

    guide: str | None = None
    path: str | None = None
    url: str | None = None
    sitemap: str | None = None
    reading_list: str | None = None
    base_url: str | None = None
    follow: FollowSettings | None = None
    allow: tuple[str, ...] = ()
    standing: Literal["guide", "comparison", "reference"] | None = None
    title: str | None = None
    licence: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> "SourceSettings":
        kinds = [k for k in ("guide", "path", "url", "sitemap", "reading_list") if getattr(self, k) is not None]
        if len(kinds) != 1:
            raise ValueError("a source has exactly one of guide, path, url, sitemap, reading_list")
        return self

    @property
    def label(self) -> str:
        """The source as its configuration writes it."""
        return self.guide or self.path or self.url or self.sitemap or self.reading_list or ""


class EmbeddingSettings(_Strict):
    """The encoder: `bundled`, or a sentence-transformers name or folder.

    `precision` is that of its products: `mixed` embeds documents in eight bits and questions in float32.
    """

    model: str = "bundled"
    precision: Literal["float32", "mixed", "int8"] = "mixed"


class StoreSettings(_Strict):
    """Where the vectors live: `local`, or `chroma://host:port`.

    A local index of at most `exact_up_to` chunks is searched vector by vector, without opening Chroma.
    """

    url: str = Field(default="local", pattern=r"^(local|chroma://[^\s/]+)$")
    exact_up_to: int = Field(default=150_000, ge=0)


class ModelSettings(_Strict):
    """The chat model: `""` is extractive; else a LangChain name such as `openai:gpt-...` or `ollama:...`."""

    name: str = ""
    base_url: str = ""
    timeout_seconds: float = Field(default=20.0, gt=0)
    temperature: float = Field(default=0.0, ge=0)
    tokens_per_answer: int = Field(default=8000, ge=600)
    tokens_per_day: int = Field(default=2_000_000, ge=0)
    nli: str = ""
    judge: str = ""


class FetchSettings(_Strict):
    """Bounds and manners of fetching.

    `delay_seconds` lie between two requests to one host, `per_host` run at once; one request takes at most
    `timeout_seconds`, a body `max_bytes` both as sent and unpacked. `private_hosts` may be in the organisation's own
    network. `--watch` asks addresses again every `every_hours`.
    """

    agent: str = "whichway/0.1 (+https://github.com/whichway/whichway)"
    delay_seconds: float = Field(default=1.0, ge=0)
    per_host: int = Field(default=2, ge=1, le=8)
    timeout_seconds: float = Field(default=20.0, gt=0)
    max_bytes: int = Field(default=10_000_000, ge=1000)
    max_redirects: int = Field(default=5, ge=0)
    retries: int = Field(default=3, ge=0)
    max_pages: int = Field(default=2000, ge=1)
    private_hosts: tuple[str, ...] = ()
    every_hours: float = Field(default=24.0, gt=0)


class WebSettings(_Strict):
    """The browser chat and API. `hosts` are further names that a request may give as its Host."""

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    hosts: tuple[str, ...] = ()
    public_url: str = ""
    rate_per_minute: int = Field(default=60, ge=1)


class SlackSettings(_Strict):
    """The Slack bot. Tokens come from SLACK_BOT_TOKEN, SLACK_APP_TOKEN and SLACK_SIGNING_SECRET."""

    mode: Literal["socket", "http"] = "socket"
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=0, le=65535)
    per_user_per_minute: int = Field(default=10, ge=1)
    per_minute: int = Field(default=60, ge=1)


class Settings(_Strict):
    """Everything that can be configured. `file` and `home` are where it was found and where data is kept."""

    decision: DecisionSettings = DecisionSettings()
    source: tuple[SourceSettings, ...] = (SourceSettings(guide=BUNDLED_GUIDE),)
    embedding: EmbeddingSettings = EmbeddingSettings()
    store: StoreSettings = StoreSettings()
    model: ModelSettings = ModelSettings()
    fetch: FetchSettings = FetchSettings()
    web: WebSettings = WebSettings()
    slack: SlackSettings = SlackSettings()
    file: Path | None = Field(default=None, exclude=True)
    home: Path = Field(default=Path(".whichway"), exclude=True)

    @property
    def base(self) -> Path:
        """The folder that relative paths of the configuration start from."""
        return self.file.parent if self.file else Path.cwd()

    @property
    def topics_guide(self) -> str | None:
        """The guide whose topics help to understand a question; None: there is none."""
        if self.decision.topics is not None:
            return self.decision.topics or None
        for source in self.source:
            if source.guide:
                return source.guide
        bundled = {option.id for option in DecisionSettings().option}
        return BUNDLED_GUIDE if {option.id for option in self.decision.option} == bundled else None

    def fingerprint(self) -> str:
        """A short hash of every setting: the same settings, the same hash."""
        return _digest(self.model_dump(mode="json"))

    def decision_fingerprint(self) -> str:
        """A short hash of the decision: an index made for another one is refused."""
        return _digest(self.decision.model_dump(mode="json"))


def load_settings(
    *, config: Path | None = None, home: Path | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """The settings in force. UsageError, in one line, for a missing file, an unknown key or a bad value."""
    environ = os.environ if environ is None else environ
    file = config or _nearest(Path.cwd())
    data: dict[str, Any] = {}
    if file is not None:
        if not file.is_file():
            raise UsageError(f"no configuration file {str(file)!r}; leave --config out to use the defaults")
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: {error}") from None
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror or error}") from None
        for key in ("file", "home"):
            if key in data:
                raise UsageError(f"{file}: unknown key {key!r}")
    _overlay(data, environ)
    if home is None:
        named = environ.get("WHICHWAY_HOME")
        home = Path(named) if named else (file.parent if file else Path.cwd()) / ".whichway"
    try:
        return Settings.model_validate(data | {"file": file, "home": home})
    except ValidationError as error:
        raise UsageError(f"{file or 'configuration'}: {_first_problem(error)}") from None


def _nearest(folder: Path) -> Path | None:
    for candidate in (folder, *folder.parents):
        if (candidate / "whichway.toml").is_file():
            return candidate / "whichway.toml"
    return None


def _overlay(data: dict[str, Any], environ: Mapping[str, str]) -> None:
    for section, field in Settings.model_fields.items():
        model = field.annotation
        if section == "decision" or not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        for key, sub in model.model_fields.items():
            value = environ.get(f"WHICHWAY_{section}_{key}".upper())
            plain = sub.annotation in (str, int, float, bool) or "Literal" in str(sub.annotation)
            if value is not None and plain:
                data.setdefault(section, {})[key] = value


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        *parents, key = [part for part in problem["loc"] if isinstance(part, str)]
        near = difflib.get_close_matches(key, _known_keys(parents), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(_known_keys(parents))}"
        return f"unknown key {where!r}{hint}"
    return f"{where}: {problem['msg'].removeprefix('Value error, ')}"


def _known_keys(parents: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for name in parents:
        annotation = model.model_fields[name].annotation
        found = [a for a in (annotation, *getattr(annotation, "__args__", ())) if isinstance(a, type)]
        model = next((a for a in found if issubclass(a, BaseModel)), model)
    return sorted(set(model.model_fields) - {"file", "home"})


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
