"""The commands that answer: ask, chat, serve, slack, mcp and doctor. Nothing heavy is imported before it is needed."""

import ctypes
import gc
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kb.errors import IndexMissingError, UsageError, WhichwayError
from kb.settings import Settings

if TYPE_CHECKING:
    from bot.answer import Answer, Question, Turn
    from bot.desk import Desk

_MALLOC = {-1: 8 << 20, -3: 4 << 20, -8: 2}
"""Of glibc's mallopt: M_TRIM_THRESHOLD and M_MMAP_THRESHOLD in bytes, M_ARENA_MAX."""


def ask(
    ctx: typer.Context,
    question: Annotated[str | None, typer.Argument(help="What to ask; `-` reads it from standard input.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the Answer as JSON.")] = False,
    history: Annotated[
        Path | None, typer.Option(help='A JSON file: [{"role": "user", "content": "..."}, ...].', metavar="FILE")
    ] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Answer {"id", "question", "history"} lines of standard input, in order.')
    ] = False,
) -> None:
    """Answer one question, with its evidence."""
    from bot.answer import Question

    settings: Settings = ctx.obj
    if jsonl:
        if question is not None:
            raise UsageError("--jsonl reads its questions from standard input; leave the question out")
        _ask_lines(settings)
        return
    if question == "-":
        question = sys.stdin.read()
    if question is None or not question.strip():
        raise UsageError('no question; ask, for example: whichway ask "Which platform for streaming data?"')
    turns = _read_history(history) if history else ()
    gc.disable()  # a process that ends after one answer has nothing to collect
    with _desk(settings, once=True) as desk:
        _show(desk.ask(Question(text=question, history=turns), channel="cli"), settings, as_json=as_json)


def chat(ctx: typer.Context) -> None:
    """Talk in the terminal; an empty line or Ctrl-D ends it."""
    from bot.answer import Question, Turn
    from bot.desk import reply

    settings: Settings = ctx.obj
    with _desk(settings) as desk:
        print(f"{settings.decision.question}  (an empty line ends the conversation)\n")
        turns: list[Turn] = []
        while True:
            try:
                text = input("you> ").strip()
            except EOFError:
                print()
                return
            if not text:
                return
            try:
                answer = desk.ask(Question(text=text, history=tuple(turns)), channel="cli")
            except UsageError as error:
                print(f"{error}\n")
                continue
            _show(answer, settings, as_json=False)
            turns += [Turn(role="user", content=text), reply(answer, settings.decision.options)]


def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve the browser chat, the HTTP API and MCP; builds the index first if there is none."""
    from bot.web.server import build_app, run

    settings: Settings = ctx.obj
    web = settings.web.model_copy(
        update={name: value for name, value in (("host", host), ("port", port)) if value is not None}
    )
    settings = settings.model_copy(update={"web": web})
    gc.disable()  # what is loaded from here on stays: looking through it again and again takes a second
    _give_memory_back()
    with _desk(settings, build=True) as desk:
        app = build_app(desk.chain, settings, desk.store, sources=desk.sources, section_texts=desk.section_texts)
        gc.freeze()
        gc.enable()
        run(app, web.host, web.port, started=lambda url: print(f"whichway answers at {url}", flush=True))


def _give_memory_back() -> None:
    """The C library would give each thread a heap of its own, and keep in it what the longest question once took."""
    with suppress(OSError, AttributeError):  # another C library than glibc
        for option, value in _MALLOC.items():
            ctypes.CDLL(None).mallopt(option, value)


def slack(
    ctx: typer.Context,
    http: Annotated[bool, typer.Option("--http", help="Listen for requests instead of using Socket Mode.")] = False,
    manifest: Annotated[bool, typer.Option("--manifest", help="Print the app manifest and stop.")] = False,
    address: Annotated[str, typer.Option(help="With --http and --manifest: the public address.")] = "",
) -> None:
    """Run the Slack bot."""
    if manifest:
        from bot.slack.manifest import manifest as made

        print(made(ctx.obj, http=http, address=address), end="")
        return
    from bot.slack.run import read_tokens, run_slack

    read_tokens(ctx.obj, http=http)  # an index takes a minute to build: not before the tokens are there
    with _desk(ctx.obj, build=True) as desk:
        run_slack(desk, http=http)


def mcp(ctx: typer.Context) -> None:
    """Serve MCP on standard input and output."""
    from bot.mcp import build_mcp

    with _desk(ctx.obj) as desk:
        build_mcp(desk).run("stdio")


def doctor(
    ctx: typer.Context,
    guide: Annotated[bool, typer.Option("--guide", help="Check every statement of the guide.")] = False,
    online: Annotated[bool, typer.Option("--online", help="With --guide: fetch the official pages too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what is configured, reachable, stale or broken, what leaves the machine, and what mends it."""
    from bot.doctor import examine, examine_guide

    settings: Settings = ctx.obj
    findings = examine_guide(settings, online=online) if guide else examine(settings)
    if as_json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=2, ensure_ascii=False))
    else:
        signs = {"ok": "ok   ", "note": "note ", "broken": "BROKEN"}
        for finding in findings:
            print(f"{signs[finding.state]:7}{finding.subject}: {finding.text}")
            if finding.mend:
                print(f"       mend it with: {finding.mend}")
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


@contextmanager
def _desk(settings: Settings, *, build: bool = False, once: bool = False) -> Iterator["Desk"]:
    from bot.office import open_desk
    from kb.index import live_snapshot

    if live_snapshot(settings) is None:
        if not build:
            raise IndexMissingError("there is no index yet; run: whichway ingest")
        _ingest_in_child(settings)
    with open_desk(settings, once=once) as desk:
        yield desk


def _ingest_in_child(settings: Settings) -> None:
    """Run `whichway ingest` in a process of its own, so that this one never loads what only building needs."""
    import subprocess

    command = [sys.executable, "-m", "kb.cli", "--home", str(settings.home)]
    if settings.file is not None:
        command += ["--config", str(settings.file)]
    print("There is no index yet: building it.", file=sys.stderr, flush=True)
    done = subprocess.run([*command, "ingest"], check=False)
    if done.returncode:
        raise WhichwayError("the index could not be built; see above, then run: whichway ingest")


def _show(answer: "Answer", settings: Settings, *, as_json: bool) -> None:
    if as_json:
        print(answer.model_dump_json(indent=2))
        return
    from rich.console import Console

    from bot.render_terminal import to_terminal

    Console(highlight=False).print(to_terminal(answer, settings.decision.options))


def _read_history(file: Path) -> tuple["Turn", ...]:
    try:
        return _turns(json.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(f"no history in {str(file)!r}: {error.strerror}") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(file)!r} is no history ({error}); it is a JSON list of role and content") from None


def _turns(data: Any) -> tuple["Turn", ...]:
    from pydantic import TypeAdapter, ValidationError

    from bot.answer import Turn

    try:
        return TypeAdapter(tuple[Turn, ...]).validate_python(data)
    except ValidationError as error:
        problem = error.errors()[0]
        raise ValueError(f"{'.'.join(str(p) for p in problem['loc'])}: {problem['msg']}") from None


def _ask_lines(settings: Settings) -> None:
    failed = False
    with _desk(settings) as desk:
        # Bytes, so that a line that is no UTF-8 fails alone.
        for number, line in enumerate(sys.stdin.buffer, 1):
            if not line.strip():
                continue
            request_id: Any = None
            try:
                data = json.loads(line.decode("utf-8-sig"))
                if not isinstance(data, dict):
                    raise UsageError("a line is a JSON object with id, question and history")
                request_id = data.get("id")
                answer = desk.ask(_question(data), channel="cli")
                print(answer.model_dump_json(), flush=True)
            except (WhichwayError, ValueError) as error:
                failed = True
                record = {"error": f"line {number}: {error}", "request_id": request_id}
                print(json.dumps(record, ensure_ascii=False), flush=True)
    if failed:
        raise typer.Exit(1)


def _question(data: dict[str, Any]) -> "Question":
    from bot.answer import Question

    unknown = set(data) - {"id", "question", "history"}
    if unknown:
        raise UsageError(f"unknown key {sorted(unknown)[0]!r}; known: id, question, history")
    if not isinstance(data.get("question"), str):
        raise UsageError("no question in it")
    identity = data.get("id")
    return Question(
        text=data["question"],
        history=_turns(data.get("history") or ()),
        request_id=None if identity is None else str(identity),
    )
