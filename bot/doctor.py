"""Examines an installation: what is configured, stale or broken, what leaves the machine, and what mends it."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Literal

from kb.errors import UsageError, WhichwayError
from kb.settings import BUNDLED_GUIDE, Settings

State = Literal["ok", "note", "broken"]
OURS = ("kb", "ingest", "bot", "evals")
SHOWN = 20
"""Lines of one kind that are shown; what is beyond them is counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and the command that mends it (empty: nothing to mend)."""

    subject: str
    state: State
    text: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as JSON."""
        return {key: str(value) for key, value in asdict(self).items()}


def examine(settings: Settings) -> list[Finding]:
    """Every check that needs no network."""
    return [
        *_installation(),
        Finding("configuration", "ok", str(settings.file) if settings.file else "the built-in defaults"),
        *_home(settings),
        *_index(settings),
        *_stored_answers(settings),
        *_model(settings),
        *_leaves(settings),
    ]


def examine_guide(settings: Settings, *, online: bool) -> list[Finding]:
    """Every statement of the configured guide: its basis, and with `online` the official pages it rests on."""
    from kb.guide_check import OFFICIAL_HOSTS, check_guide
    from kb.topics import guide_folder

    guide = settings.topics_guide
    if guide is None:
        return [Finding("guide", "note", "no guide is configured")]
    text_of = None
    if online:
        from kb.services import official_text

        text_of = official_text(settings)
    hosts = OFFICIAL_HOSTS if guide == BUNDLED_GUIDE else frozenset()
    report = check_guide(guide_folder(guide, settings.base), settings.decision.options, text_of=text_of, hosts=hosts)
    summary = (
        f"{report.pages} pages, {report.topics} topics, {report.statements} statements; "
        f"{report.phrases_found} key phrases found in their sources; "
        f"{report.well_founded:.0%} of the topics rest on three origins for each option"
    )
    faults = [Finding("guide", "broken", str(fault), "edit the page; see docs/guide.md") for fault in report.faults]
    return [*faults, Finding("guide", "note" if faults else "ok", summary)]


def _installation() -> Iterator[Finding]:
    try:
        yield Finding("whichway", "ok", version("whichway"))
    except PackageNotFoundError:
        yield Finding("whichway", "broken", "is not installed, only on the path", "pip install .")
    owners = packages_distributions()
    for name in OURS:
        others = sorted(set(owners.get(name, ())) - {"whichway"})
        if others:
            yield Finding(
                f"package {name}",
                "broken",
                f"{', '.join(others)} installs a package of the same name over ours",
                f"pip uninstall {others[0]}, then reinstall whichway",
            )


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home.resolve()
    place = home if home.exists() else next(parent for parent in home.parents if parent.exists())
    if not os.access(place, os.W_OK):
        yield Finding("home", "note", f"{home} cannot be written to: answers are not kept", "set WHICHWAY_HOME")
    else:
        free = shutil.disk_usage(place).free / 1e9
        state: State = "ok" if free > 1 else "note"
        yield Finding("home", state, f"{home}, {free:.1f} GB free")


def _index(settings: Settings) -> Iterator[Finding]:
    from kb.index import live_snapshot, open_index

    if live_snapshot(settings) is None:
        yield Finding("index", "note", "there is none yet", "whichway ingest")
        return
    try:
        with open_index(settings) as index:
            documents = index.documents
            yield Finding(
                "index",
                "ok",
                f"snapshot {index.snapshot_id}: {len(documents)} documents, {len(index.sections)} sections, "
                f"{len(index.chunks)} chunks, encoder {index.manifest['embedder']['name']}",
            )
            stale = [document for document in documents if document.state != "current"]
            for document in stale[:SHOWN]:
                yield Finding("source", "note", f"{document.url}: {document.state}", "whichway ingest")
            if index.left_out:
                yield Finding("sources", "note", f"{len(index.left_out)} left out", "whichway sources says why")
    except WhichwayError as error:
        yield Finding("index", "broken", str(error), "whichway ingest")


def _stored_answers(settings: Settings) -> Iterator[Finding]:
    from bot.outdated import notes

    found = notes(settings)
    for note in found[:SHOWN]:
        yield Finding("stored answer", "note", note, "ask it again: what it rests on is not as it was")
    if len(found) > SHOWN:
        yield Finding("stored answers", "note", f"{len(found) - SHOWN} more rest on what is not as it was")


def _model(settings: Settings) -> Iterator[Finding]:
    from bot.model.ledger import spent_today
    from bot.model.provider import address_of, check_installed, missing_secrets

    model = settings.model
    for subject, name in (("chat model", model.name), ("judge", model.judge)):
        if not name:
            continue
        try:
            check_installed(name)
        except UsageError as error:
            yield Finding(subject, "broken", str(error), "see docs/models.md")
            continue
        missing = missing_secrets(name, model)
        if missing:
            yield Finding(subject, "broken", f"{name} needs {' and '.join(missing)}", f"export {missing[0]}=...")
        elif not address_of(name, model):
            yield Finding(subject, "broken", f"{name} has no address", "set [model] base_url; see docs/models.md")
        elif subject == "judge":
            yield Finding(subject, "ok", name)
        else:
            spent = f"{spent_today(settings.home):,} of {model.tokens_per_day:,} tokens spent today (UTC)"
            yield Finding(subject, "ok", f"{name}, {spent}")


def _leaves(settings: Settings) -> Iterator[Finding]:
    from bot.model.privacy import privacy
    from kb.embedders import comes_from_hub

    out: list[str] = []
    for source in settings.source:
        if source.url or source.sitemap or source.reading_list:
            out.append(f"ingest fetches {source.label}")
    try:
        out += [f"{subject}: {what}" for subject, what in privacy(settings) if not what.endswith("nothing is sent")]
    except UsageError as error:
        out.append(f"chat model: not known, because {error}")
    if os.environ.get("SLACK_BOT_TOKEN"):
        out.append("answers asked for in Slack go to Slack")
    model = settings.embedding.model
    if comes_from_hub(model):
        out.append(f"the encoder {model} is fetched from the model hub where it is not here yet")
    if settings.store.url != "local":
        out.append(f"vectors go to {settings.store.url}")
    if not out:
        yield Finding("leaves the machine", "ok", "nothing")
    for line in out:
        yield Finding("leaves the machine", "note", line)
