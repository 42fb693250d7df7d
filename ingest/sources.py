"""From the configured sources to bytes: guide, files, folders, globs, zip archives, addresses and reading lists."""

import mimetypes
import os
import re
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Protocol

from ingest.addresses import address_under, known_address
from kb.errors import SourceError
from kb.records import LeftOut, Standing
from kb.settings import FollowSettings, SourceSettings

GUIDES = Path(__file__).parent.parent / "kb" / "guide"
READING_LIST = GUIDES / "reading-list.toml"
MAX_FILE_BYTES = 50_000_000
READABLE = frozenset(
    """
    .md .mdx .markdown .html .htm .xhtml .txt .text .rst .yml .yaml .tmpl .pdf .docx .pptx .xlsx .ipynb .zip
    """.split()  # noqa: SIM905
)
_BESIDE_THE_POINT = re.compile(
    r"(?:^|/)(?:\.git|node_modules|__pycache__|\.venv)/|(?:^|/)(?:LICEN[CS]E[^/]*|NOTICE|CODEOWNERS|TOC\.yml|toc\.yml|zone-pivot-groups\.yml)$"
)

_PART_OF_PAGES = re.compile(r"(?:^|/)includes/")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of one document, wherever they come from.

    `url` is its address ("" where it has none), `path` its path as the user knows it, `origin` the configured source.
    `fetched` and `published` are ISO dates; `state` as in `kb.records.Document`.
    """

    data: bytes
    url: str
    content_type: str
    path: str
    fetched: str
    origin: str
    published: str | None = None
    standing: Standing | None = None
    title: str | None = None
    licence: str | None = None
    state: str = "current"
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a reading list."""

    url: str
    title: str
    licence: str | None = None
    standing: Standing | None = None


class Fetcher(Protocol):
    """Brings documents from addresses; what cannot be had is left out with its reason, never an exception."""

    def fetch(self, addresses: Sequence[str], *, origin: str) -> Iterator[Fetched | LeftOut]:
        """The documents at these addresses, in their order."""
        ...

    def follow(self, address: str, follow: FollowSettings, *, origin: str) -> Iterator[Fetched | LeftOut]:
        """The document at an address and those that it links to, as far as `follow` allows."""
        ...

    def sitemap(self, address: str, allow: Sequence[str], *, origin: str) -> Iterator[Fetched | LeftOut]:
        """The documents that a sitemap lists and `allow` (patterns of host and path; empty: all) lets through."""
        ...


def fetch_all(
    sources: Sequence[SourceSettings], *, base: Path, fetcher: Fetcher | None = None
) -> Iterator[Fetched | LeftOut]:
    """Every document of every source, in the order of the configuration; relative paths start from `base`.

    SourceError where the only source cannot be read; else that source is left out as failed and the others go on.
    """
    for source in sources:
        try:
            yield from (_configured(item, source) for item in _of(source, base, fetcher))
        except SourceError as error:
            if len(sources) == 1:
                raise
            yield LeftOut(source.label, str(error), "failed")


def reading_list(path: Path = READING_LIST) -> tuple[Entry, ...]:
    """The entries of a reading list. SourceError where it is missing or broken."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(
            Entry(page["url"], page["title"], page.get("licence"), page.get("standing")) for page in data["page"]
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise SourceError(f"reading list {str(path)!r} cannot be read: {error}") from None


def _of(source: SourceSettings, base: Path, fetcher: Fetcher | None) -> Iterator[Fetched | LeftOut]:
    if source.guide is not None:
        yield from _guide(source.guide, base)
    elif source.path is not None:
        yield from _files(source.path, base, source)
    else:
        if fetcher is None:
            raise SourceError(f"{source.label}: an address, and nothing here fetches it")
        if source.reading_list is not None:
            yield from _listed(source.reading_list, base, fetcher)
        elif source.sitemap is not None:
            yield from fetcher.sitemap(source.sitemap, source.allow, origin=source.sitemap)
        elif source.url is not None:
            follow = source.follow or FollowSettings(depth=0)
            yield from fetcher.follow(source.url, follow, origin=source.url)


def _configured(item: Fetched | LeftOut, source: SourceSettings) -> Fetched | LeftOut:
    if isinstance(item, LeftOut):
        return item
    return replace(
        item,
        origin=source.label,
        standing=source.standing or item.standing,
        title=source.title or item.title,
        licence=source.licence or item.licence,
    )


def _guide(name: str, base: Path) -> Iterator[Fetched]:
    folder = GUIDES / name if (GUIDES / name).is_dir() and re.fullmatch(r"[\w-]+", name) else base / name
    pages = sorted(folder.glob("*.md"))
    if not pages:
        raise SourceError(f"no guide in {name!r}: name the folder that holds its pages (*.md), or the bundled one")
    for page in pages:
        yield Fetched(
            data=page.read_bytes(),
            url=f"whichway://guide/{page.name}",
            content_type="text/x-guide",
            path=f"guide/{page.name}",
            fetched=_modified(page),
            origin=name,
            standing="guide",
            file=page,
        )


def _files(pattern: str, base: Path, source: SourceSettings) -> Iterator[Fetched | LeftOut]:
    wild = re.search(r"[*?\[]", pattern) if not (base / pattern).exists() else None
    if wild:
        # The part before the first wildcard is what `base_url` stands for.
        root = pattern[: wild.start()].rpartition("/")[0]
        start = base / root if root or not pattern.startswith("/") else Path("/")
        found = sorted(path for path in start.glob(pattern[len(root) :].lstrip("/")) if not path.is_dir())
        named = False
    else:
        start = base / pattern
        if not start.exists():
            raise SourceError(f"no file or folder {pattern!r}")
        named = start.is_file()
        found = [start] if named else sorted(start.rglob("*"))
        start = start.parent if named else start
    if not found:
        raise SourceError(f"no file in {pattern!r}")
    home = start.resolve()
    for path in found:
        relative = _text(path.relative_to(start))
        if not named and not wild and _BESIDE_THE_POINT.search(relative):
            continue
        if reason := "" if named else _why_unread(path, relative, home, any_kind=bool(wild)):
            yield LeftOut(_shown(path, base), reason)
        elif path.is_file():
            yield from _file(path, relative, base, source)


def _why_unread(path: Path, relative: str, home: Path, *, any_kind: bool) -> str:
    """Why what lies in a folder, `home` when resolved, is left out; "" where it is read or is a folder itself.

    `any_kind`: a pattern asks for this file, whatever its kind.
    """
    if path.is_symlink():
        # Followed, a link in somebody else's checkout could bring any file of this machine into the index.
        if not path.exists():
            return "a link that leads nowhere"
        if path.is_dir():
            return "a link to a folder; name that folder as a source of its own"
        if not path.resolve().is_relative_to(home):
            return "a link to a file elsewhere; name that file as a source of its own"
    if path.is_dir():
        return ""
    if not path.is_file():
        return "not a file with content"
    if any_kind:
        return ""
    if _PART_OF_PAGES.search(relative):
        return "a part that other pages include"
    if path.suffix.lower() not in READABLE:
        return f"a kind of file that is not read ({_text(path.suffix) or 'no suffix'})"
    return ""


def _file(path: Path, relative: str, base: Path, source: SourceSettings) -> Iterator[Fetched | LeftOut]:
    shown = _shown(path, base)
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            yield LeftOut(shown, f"too large: {size / 1e6:.0f} MB, at most {MAX_FILE_BYTES / 1e6:.0f} MB are read")
            return
        data = path.read_bytes()
    except OSError as error:
        yield LeftOut(shown, f"cannot be read: {error.strerror or error}")
        return
    if path.suffix.lower() == ".zip":
        yield from _zipped(data, shown, _modified(path), source)
        return
    yield Fetched(
        data=data,
        url=address_under(source.base_url, relative) if source.base_url else known_address(_text(path.resolve())),
        content_type=content_type_of(path.name),
        path=shown,
        fetched=_modified(path),
        origin=source.label,
        file=path,
    )


def _zipped(data: bytes, shown: str, modified: str, source: SourceSettings) -> Iterator[Fetched | LeftOut]:
    import io

    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        yield LeftOut(shown, "a damaged zip archive")
        return
    with archive:
        budget = 4 * MAX_FILE_BYTES
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            name = _CONTROL.sub("\ufffd", info.filename)
            inside = f"{shown}/{name}"
            if info.is_dir() or _BESIDE_THE_POINT.search(name):
                continue
            suffix = PurePosixPath(name).suffix.lower()
            if _PART_OF_PAGES.search(name):
                yield LeftOut(inside, "a part that other pages include")
                continue
            if suffix not in READABLE - {".zip"}:
                yield LeftOut(inside, f"a kind of file that is not read ({suffix or 'no suffix'})")
                continue
            budget -= info.file_size
            if info.file_size > MAX_FILE_BYTES or budget < 0:
                yield LeftOut(inside, "too large")
                continue
            try:
                content = archive.read(info)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError) as error:
                yield LeftOut(inside, f"cannot be unpacked: {error}")
                continue
            yield Fetched(
                data=content,
                url=address_under(source.base_url, name) if source.base_url else known_address(name),
                content_type=content_type_of(name),
                path=inside,
                fetched=modified,
                origin=source.label,
            )


def _listed(name: str, base: Path, fetcher: Fetcher) -> Iterator[Fetched | LeftOut]:
    path = READING_LIST if name in ("bundled", "reading-list") else base / name
    entries = {entry.url: entry for entry in reading_list(path)}
    for item in fetcher.fetch(list(entries), origin=name):
        entry = entries.get(item.url) if isinstance(item, Fetched) else None
        if isinstance(item, Fetched) and entry:
            item = replace(item, licence=item.licence or entry.licence, standing=item.standing or entry.standing)
        yield item


def content_type_of(name: str) -> str:
    """The media type of a file by its name; a template by what it is a template of."""
    name = name.lower().removesuffix(".tmpl")
    if name.endswith((".md", ".mdx", ".markdown")):
        return "text/markdown"
    if name.endswith((".yml", ".yaml")):
        return "application/yaml"
    if name.endswith(".ipynb"):
        return "application/x-ipynb+json"
    return mimetypes.guess_type(name)[0] or "text/plain"


def _modified(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()


def _shown(path: Path, base: Path) -> str:
    """The path as the user knows it: below `base` where it is, else from the root."""
    # Not resolved: a link is called by its own name, not by that of what it leads to.
    path, base = Path(os.path.abspath(path)), Path(os.path.abspath(base))  # noqa: PTH100
    return _text(path.relative_to(base) if path.is_relative_to(base) else path)


def _text(path: Path | str) -> str:
    """A path in one line of Unicode, whatever bytes its name is made of."""
    posix = path.as_posix() if isinstance(path, Path) else path
    return _CONTROL.sub("\ufffd", os.fsencode(posix).decode("utf-8", "replace"))
