"""The root command: global options, and a table of sub-commands that are resolved on use.

No code here imports upward: a sub-command is a name, and its module is loaded when it is run or described.
"""

import gc
import importlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

# Typer carries its own copy of click, so that `except click.ClickException` would catch nothing.
from typer._click.exceptions import ClickException
from typer._click.exceptions import UsageError as ClickUsageError
from typer.core import TyperGroup

from kb.errors import UsageError, WhichwayError
from kb.settings import load_settings

COMMANDS: dict[str, str] = {
    "serve": "bot.cli:serve",
    "ask": "bot.cli:ask",
    "chat": "bot.cli:chat",
    "slack": "bot.cli:slack",
    "mcp": "bot.cli:mcp",
    "ingest": "ingest.cli:ingest",
    "sources": "ingest.cli:sources",
    "eval": "evals.cli:app",
    "doctor": "bot.cli:doctor",
}


class _LazyGroup(TyperGroup):
    """Sub-commands from the table, imported when one is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return resolve(cmd_name) if cmd_name in COMMANDS else None


def resolve(name: str) -> Any:
    """The command behind a name of the table, as Typer's own command object."""
    module, _, attribute = COMMANDS[name].partition(":")
    found: typer.Typer | Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        app = found
    else:
        app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        app.command(name)(found)
    command = typer.main.get_command(app)
    command.name = name
    return command


app = typer.Typer(
    cls=_LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Which platform should I use for X? A verdict, its evidence, and citations that open the exact passage.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"whichway {version('whichway')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file; else the nearest whichway.toml.", metavar="FILE")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(help="Where the index and answers are kept; else WHICHWAY_HOME.", metavar="DIR")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done, as JSON lines.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Load the configuration once; every sub-command finds it in the context."""
    from kb.logs import start_logging

    start_logging(logging.INFO if verbose else logging.WARNING)
    ctx.obj = load_settings(config=config, home=home)


def main() -> None:
    """Run the command line: exit code 0 done, 1 the work failed, 2 wrong usage or configuration."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except WhichwayError as error:
        print(f"whichway: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except ClickException as error:
        hint = error.ctx.command_path if isinstance(error, ClickUsageError) and error.ctx else "whichway"
        print(f"whichway: {error.format_message().rstrip('.')}. See: {hint} --help", file=sys.stderr)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) went away: what was written is all it wanted.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    finally:
        gc.freeze()  # what is left is not searched for cycles while the process ends: a tenth of a second


__all__ = ["COMMANDS", "UsageError", "app", "main", "resolve"]

if __name__ == "__main__":
    main()
