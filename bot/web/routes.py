"""What the page's script asks for: fragments of HTML, the decision record, feedback, and the plain pages."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from bot.desk import Desk
from bot.render import decision_record, to_markdown
from bot.web.html import clean
from bot.web.pages import api_body, document, sources_body
from bot.web.turns import answer_turn, source_panel
from bot.web.verdict_card import verdict_card
from kb.errors import IndexMissingError, UsageError

STATIC = Path(__file__).parent / "static"
_FILES = {"app.css": "text/css", "app.js": "text/javascript", "icon.svg": "image/svg+xml"}

Weight = Annotated[float, Field(ge=0, le=100)]


class WeightsBody(BaseModel):
    """Weights that the reader has set, by criterion id."""

    model_config = ConfigDict(extra="forbid")
    weights: dict[str, Weight] = Field(max_length=50)


class PageFeedback(BaseModel):
    """Thumbs and comment from the page; `who` is a random id of the reader's browser."""

    model_config = ConfigDict(extra="forbid")
    answer_id: str = Field(max_length=100)
    opinion: Literal["up", "down"]
    comment: str = Field(default="", max_length=2000)
    who: str = Field(pattern=r"^[\w-]{8,64}$")


def page_router(app: FastAPI, desk: Desk, *, version: str) -> APIRouter:
    """The routes under `/ui`, `/sources` and `/docs`."""
    router = APIRouter(include_in_schema=False)
    options = desk.settings.decision.options

    @router.get("/ui/{name}")
    def static(name: str) -> Response:
        if name not in _FILES:
            return JSONResponse({"error": f"no file {name[:40]!r}"}, 404)
        cached = {"Cache-Control": "public, max-age=3600"}
        return FileResponse(STATIC / name, media_type=_FILES[name], headers=cached)

    @router.get("/ui/answers/{answer_id}")
    def stored_turn(answer_id: str) -> HTMLResponse:
        answer = desk.answer(answer_id)
        stored = desk.store.stored(answer_id)
        at = stored.at if stored else ""
        return HTMLResponse(answer_turn(answer, options, key=f"stored-{answer_id}", today=_today(), at=at))

    @router.get("/ui/answers/{answer_id}/citations/{n}")
    def panel(answer_id: str, n: int) -> HTMLResponse:
        citation, text = desk.section(answer_id, n)
        return HTMLResponse(source_panel(desk.answer(answer_id), citation, text, today=_today()))

    @router.post("/ui/answers/{answer_id}/verdict")
    def weighed(answer_id: str, body: WeightsBody) -> HTMLResponse:
        return HTMLResponse(clean(verdict_card(desk.answer(answer_id), options, body.weights)))

    @router.get("/ui/answers/{answer_id}/answer.md")
    def copied(answer_id: str, request: Request) -> PlainTextResponse:
        markdown = to_markdown(desk.answer(answer_id), options, link=_link(request, desk, answer_id))
        return PlainTextResponse(markdown, media_type="text/markdown; charset=utf-8")

    @router.get("/ui/answers/{answer_id}/record.md")
    def record(answer_id: str, request: Request, w: Annotated[str, Query(max_length=2000)] = "") -> PlainTextResponse:
        answer = desk.answer(answer_id)
        stored = desk.store.stored(answer_id)
        text = decision_record(
            answer,
            options,
            at=stored.at if stored else _today().isoformat(),
            weights=_weights(w),
            link=_link(request, desk, answer_id),
        )
        named = {"Content-Disposition": f'attachment; filename="decision-{_safe(answer_id)}.md"'}
        return PlainTextResponse(text, media_type="text/markdown; charset=utf-8", headers=named)

    @router.get("/ui/conversations/{conversation}")
    def conversation_turns(conversation: str) -> HTMLResponse:
        ids = [turn.answer_id for turn in desk.store.turns(conversation)[-40:] if turn.answer_id]
        answers = [answer for answer_id in ids if (answer := desk.store.answer(answer_id))]
        shown = (answer_turn(a, options, key=f"kept-{n}", today=_today()) for n, a in enumerate(answers))
        return HTMLResponse("".join(shown))

    @router.post("/ui/feedback")
    def feedback(body: PageFeedback) -> dict[str, str]:
        desk.answer(body.answer_id)
        desk.store.add_feedback(body.answer_id, body.opinion, comment=body.comment, channel="browser", who=body.who)
        return {"status": "kept"}

    @router.get("/sources")
    def sources() -> HTMLResponse:
        try:
            rows = desk.sources()
        except IndexMissingError:
            rows = []
        body = sources_body(rows, desk.settings)
        return HTMLResponse(document(desk.settings, "Sources", body, version=version, here="sources"))

    @router.get("/docs")
    def docs() -> HTMLResponse:
        return HTMLResponse(document(desk.settings, "API", api_body(app.openapi()), version=version))

    return router


def _today() -> date:
    return datetime.now(UTC).date()


def _link(request: Request, desk: Desk, answer_id: str) -> str:
    base = desk.settings.web.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    return f"{base}/?a={_safe(answer_id)}"


def _safe(answer_id: str) -> str:
    return "".join(c for c in answer_id if c.isalnum() or c in "-_")[:64]


def _weights(text: str) -> dict[str, float]:
    """`c1:2,c2:0.5` as weights by criterion. UsageError for anything else."""
    found = {}
    for pair in filter(None, text.split(",")):
        criterion, _, weight = pair.rpartition(":")
        try:
            found[criterion] = float(weight)
        except ValueError:
            raise UsageError(f"weights are written c1:2,c2:0.5, not {text[:60]!r}") from None
        if not 0 <= found[criterion] <= 100:
            raise UsageError(f"a weight is from 0 to 100, not {weight[:20]}")
    return found
