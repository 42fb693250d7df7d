"""The browser chat as Gradio Blocks: one event, `ask`, whose turns the page's script puts into its thread.

The only module that imports Gradio. Gradio brings the queue and the stream; what is shown is HTML made and cleaned in
`bot.web.turns`, given as a value to `${value}`, where nothing in it is evaluated.
"""

import asyncio
import contextlib
import inspect
import logging
import os
import re
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot.answer import QUESTION_LIMIT, Answer, Question, Turn
from bot.api import unforeseen_line
from bot.desk import Desk, reply
from bot.store import StoredTurn
from bot.web.shell import shell
from bot.web.template import own_template
from bot.web.turns import answer_turn, failed_turn, pending_turn
from kb.errors import WhichwayError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from langchain_core.runnables import RunnableConfig

    from bot.web.status import StatusWatcher

log = logging.getLogger(__name__)

START = "Reading your question"
PARALLEL = 8
WAITING = 200
_ID = re.compile(r"[\w-]{8,64}")


def mount_page(app: "FastAPI", desk: Desk, *, version: str) -> None:
    """Adds the page at `/` to the app. `version` changes with the style and script."""

    async def mount() -> None:
        _mount(app, desk, version)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        # Where no loop runs, Gradio makes its own and never closes them.
        asyncio.run(mount())
    else:
        _mount(app, desk, version)


def _mount(app: "FastAPI", desk: Desk, version: str) -> None:
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    # Gradio would sum up all past events with pandas after each one.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(10**9))
    with _no_stubs():
        import gradio as gr
    from gradio.routes import templates
    from jinja2 import ChoiceLoader, DictLoader

    index = "frontend/index.html"
    loader = templates.env.loader
    assert loader is not None
    if not isinstance(loader, ChoiceLoader):
        source, _, _ = loader.get_source(templates.env, index)
        templates.env.loader = ChoiceLoader([DictLoader({index: own_template(source, version=version)}), loader])

    asker = PageAsker(desk)

    async def ask(event: gr.EventData) -> AsyncIterator[str]:
        async for turn in asker.turns(getattr(event, "_data", None)):
            yield turn

    with gr.Blocks(title="whichway", fill_width=True, analytics_enabled=False) as blocks:
        frame = gr.HTML(
            shell(desk.settings),
            js_on_load="window.whichway.start(element, (asked) => trigger('ask', asked));",
            apply_default_css=False,
            elem_id="frame",
        )
        turn = gr.HTML(
            "",
            js_on_load="window.whichway.receive(element, watch);",
            apply_default_css=False,
            elem_id="incoming",
        )
        frame.ask(
            ask,
            outputs=[turn],
            show_progress="hidden",
            concurrency_limit=PARALLEL,
            api_visibility="private",
            queue=True,
            trigger_mode="multiple",
        )
    blocks.queue(max_size=WAITING, api_open=False)
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        enable_monitoring=False,
        max_file_size=1,
        theme=gr.themes.Base(font=["system-ui"], font_mono=["ui-monospace"]),
    )


@contextlib.contextmanager
def _no_stubs() -> Iterator[None]:
    """As it is imported, Gradio writes a type stub beside each of its components: a third of the time of a start.

    It leaves out a component that lies in no file.
    """
    found = inspect.getfile

    def getfile(of: Any) -> str:
        if isinstance(of, type) and of.__module__.startswith("gradio."):
            raise OSError("no stub is wanted")
        return found(of)

    inspect.getfile = getfile  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getfile = found


class PageAsker:
    """Answers what the page sends: `{question, key, conversation, about}`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="ask")

    async def turns(self, sent: object) -> AsyncIterator[str]:
        """The turn as it grows: what is being done, then the answer or the one line that says what is wrong."""
        asked: dict[str, Any] = sent if isinstance(sent, dict) else {}
        text, key = str(asked.get("question") or "").strip(), str(asked.get("key") or "")[:40]
        conversation = _id(asked.get("conversation"))
        watcher, sentences = self._watcher(), list[str]()
        yield pending_turn(text[:QUESTION_LIMIT], START, key=key)
        work = asyncio.get_running_loop().run_in_executor(
            self._pool, self._ask, text, conversation, _id(asked.get("about")), watcher, sentences
        )
        shown = (START, 0)
        try:
            while not (await asyncio.wait({work}, timeout=0.15))[0]:
                seen = (watcher.words if watcher else START, len(sentences))
                if seen != shown:
                    shown = seen
                    yield pending_turn(text, seen[0], key=key, written="".join(sentences))
            answer = work.result()
            yield answer_turn(answer, self.desk.settings.decision.options, key=key, today=datetime.now(UTC).date())
        except WhichwayError as error:
            yield failed_turn(text[:QUESTION_LIMIT], str(error), key=key)
        except Exception as error:  # noqa: BLE001 - the reader gets a line with a reference, the log the traceback
            yield failed_turn(text[:QUESTION_LIMIT], unforeseen_line(error), key=key)

    def _watcher(self) -> "StatusWatcher | None":
        """Without a chat model an answer is there before a step could be read."""
        if not self.desk.settings.model.name:
            return None
        from bot.web.status import StatusWatcher

        return StatusWatcher()

    def _ask(
        self, text: str, conversation: str, about: str, watcher: "StatusWatcher | None", sentences: list[str]
    ) -> Answer:
        """The answer, kept in its conversation. `sentences` grows as a chat model writes."""
        store, options = self.desk.store, self.desk.settings.decision.options
        history = tuple(stored.turn for stored in store.turns(conversation)) if conversation else ()
        if not history and about and (earlier := store.answer(about)):
            history = (Turn(role="user", content=earlier.question), reply(earlier, options))
        question = Question(text=text, history=history)
        config: RunnableConfig = {
            "callbacks": [watcher] if watcher else [],
            "configurable": {"on_text": sentences.append},
        }
        answer = self.desk.ask(question, channel="browser", config=config)
        if conversation:
            asked = StoredTurn(Turn(role="user", content=text), None)
            store.add_turns(conversation, (asked, StoredTurn(reply(answer, options), answer.id)))
        return answer


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
