"""Remembers which bytes made which document, so that what is unchanged is taken from the live index, not parsed again.

`<home>/ingest.json` maps a fingerprint of a source's bytes and settings to the document made of them. It is a memory,
not a truth: what it names is used only where the live index holds exactly that text; lost, everything is parsed.
"""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ingest.document import Records, digest
from ingest.sources import Fetched
from kb.errors import IndexDamagedError, IndexMismatchError, IndexMissingError, WhichwayError
from kb.files import write_atomically
from kb.records import Corpus
from kb.settings import Settings

log = logging.getLogger(__name__)
_MEMORY = "ingest.json"


def live_corpus(settings: Settings) -> Corpus | None:
    """What the live index holds; None where there is none, or none that these settings could read."""
    from kb.index import open_index

    try:
        with open_index(settings) as index:
            return index.corpus
    except (IndexMissingError, IndexMismatchError):
        return None
    except IndexDamagedError as error:
        log.warning("%s; reading every source anew", error)
        return None


def by_document(corpus: Corpus | None) -> dict[str, Records]:
    """The records of a corpus by source id, in its order."""
    if corpus is None:
        return {}
    parts: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for name in ("sections", "chunks", "statements"):
        for record in getattr(corpus, name):
            parts[record.document_id][name].append(record)
    return {
        document.source_id: Records(
            document,
            tuple(parts[document.id]["sections"]),
            tuple(parts[document.id]["chunks"]),
            tuple(parts[document.id]["statements"]),
        )
        for document in corpus.documents
    }


class Memory:
    """What earlier runs made of which bytes; `made_by` is all else that decides what is made of them."""

    def __init__(self, home: Path, live: Mapping[str, Records], made_by: str) -> None:
        self._file = home / _MEMORY
        self._made_by = made_by
        self._live = live
        self._known = self._load()
        self._met: dict[str, list[str]] = {}

    def recall(self, item: Fetched) -> Records | None:
        """The records made of these bytes, where the live index still holds them."""
        key = self._key(item)
        source_id, fingerprint = self._known.get(key, ("", ""))
        records = self._live.get(source_id)
        if records is None or fingerprint != fingerprint_of(records):
            return None
        self._met[key] = [source_id, fingerprint]
        if records.document.state != item.state:
            return replace(records, document=replace(records.document, state=item.state))
        return records

    def remember(self, item: Fetched, records: Records) -> None:
        """Note what these bytes made."""
        self._met[self._key(item)] = [records.document.source_id, fingerprint_of(records)]

    def save(self) -> None:
        """Keep what this run met, and no more."""
        try:
            write_atomically(self._file, json.dumps({"made_by": self._made_by, "made": self._met}).encode())
        except (OSError, WhichwayError) as error:
            log.warning("what was read could not be remembered: %s", error)

    def _load(self) -> dict[str, tuple[str, str]]:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            if stored["made_by"] != self._made_by:
                return {}
            return {key: (source_id, fingerprint) for key, (source_id, fingerprint) in stored["made"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _key(self, item: Fetched) -> str:
        about = (item.url, item.path, item.content_type, item.origin, item.published, item.standing, item.title)
        return digest(hashlib.sha256(item.data).hexdigest(), item.licence, *about)


def fingerprint_of(records: Records) -> str:
    """A hash of all that was made of a document, but for when it was fetched and whether it is stale."""
    document = replace(records.document, fetched="", state="")
    return digest(document, records.sections, [chunk.id for chunk in records.chunks], records.statements)
