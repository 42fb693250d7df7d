"""The HTTP API: the same Answer as everywhere, as JSON. Errors are `{"error": "one line"}`.

POST /api/ask                          {question, history, request_id} -> Answer
POST /api/decide                       {criteria} -> Verdict, with no new retrieval
GET  /api/answers/{id}                 -> Answer
GET  /api/answers/{id}/citations/{n}   -> the section's text, and where the quote starts and ends
GET  /api/sources, /api/health
POST /api/feedback                     {answer_id, opinion, comment, who}
"""

import logging
import secrets
from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.answer import Answer, Citation, Criterion, Question, Turn, Verdict
from bot.desk import Desk, NotKeptError, QuestionTooLongError
from bot.listing import SourceRow
from bot.verdict import decide
from kb.errors import IndexDamagedError, IndexMismatchError, IndexMissingError, UsageError, WhichwayError
from kb.records import Option

log = logging.getLogger(__name__)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AskBody(_Body):
    """A question and the conversation before it, oldest first."""

    question: str
    history: tuple[Turn, ...] = Field(default=(), max_length=200)
    request_id: str | None = Field(default=None, max_length=200)


class DecideBody(_Body):
    """The criteria of an answer, with the weights as they are wanted."""

    criteria: tuple[Criterion, ...] = Field(max_length=50)


class FeedbackBody(_Body):
    """What somebody thinks of an answer. The same `who` replaces what they said before."""

    answer_id: str = Field(max_length=100)
    opinion: Literal["up", "down"]
    comment: str = Field(default="", max_length=2000)
    who: str = Field(default="", max_length=100)


class CitedSection(BaseModel):
    """The section that a citation quotes, as it was: `text[start:end] == citation.quote`, in code points."""

    answer_id: str
    citation: Citation
    text: str
    start: int
    end: int


class Health(BaseModel):
    """Whether the server answers, and from how many sources."""

    status: Literal["ok", "no_index"]
    sources: int
    answers_kept: bool


class Problem(BaseModel):
    """Every error: one line that names the thing."""

    error: str


def api_router(desk: Desk) -> APIRouter:
    """The routes under `/api`."""
    problems: dict[int | str, dict[str, Any]] = {n: {"model": Problem} for n in (400, 404, 413, 422, 429, 500, 503)}
    router = APIRouter(prefix="/api", responses=problems)

    @router.post("/ask", summary="Ask a question")
    def ask(body: AskBody) -> Answer:
        question = Question(text=body.question, history=body.history, request_id=body.request_id)
        return desk.ask(question, channel="api")

    @router.post("/decide", summary="The verdict that these criteria and weights give")
    def decide_again(body: DecideBody) -> Verdict:
        return decide(_of_our_options(body.criteria, desk.settings.decision.options))

    @router.get("/answers/{answer_id}", summary="An answer that was given before")
    def answer(answer_id: str) -> Answer:
        return desk.answer(answer_id)

    @router.get("/answers/{answer_id}/citations/{n}", summary="The section that a citation quotes")
    def cited_section(answer_id: str, n: int) -> CitedSection:
        citation, text = desk.section(answer_id, n)
        return CitedSection(answer_id=answer_id, citation=citation, text=text, start=citation.start, end=citation.end)

    @router.get("/sources", summary="What is in the index")
    def sources() -> list[SourceRow]:
        return desk.sources()

    @router.get("/health", summary="Whether it works")
    def health() -> Health:
        try:
            count = len(desk.sources())
        except IndexMissingError:
            return Health(status="no_index", sources=0, answers_kept=desk.store.notice is None)
        return Health(status="ok", sources=count, answers_kept=desk.store.notice is None)

    @router.post("/feedback", summary="Say whether an answer was right", status_code=201)
    def feedback(body: FeedbackBody) -> dict[str, str]:
        desk.answer(body.answer_id)
        desk.store.add_feedback(
            body.answer_id,
            body.opinion,
            comment=body.comment,
            channel="api",
            who=body.who or secrets.token_hex(8),
        )
        return {"status": "kept" if desk.store.notice is None else "kept until the server stops"}

    return router


def add_error_handlers(app: FastAPI) -> None:
    """Makes every error of this app `{"error": "one line"}` with the right status."""

    @app.exception_handler(WhichwayError)
    async def known(request: Request, error: Exception) -> JSONResponse:
        return _problem(status_of(error), str(error))

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return _problem(422, f"{where}: {first['msg']}" if where else str(first["msg"]))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)

    app.add_middleware(_LastResort)


class _LastResort:
    """Answers 500 for a bug. An exception handler would do so too, but raise again and so break the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            await _problem(500, unforeseen_line(error))(scope, receive, send)


def status_of(error: Exception) -> int:
    """The HTTP status of one of our errors."""
    if isinstance(error, NotKeptError):
        return 404
    if isinstance(error, QuestionTooLongError):
        return 413
    if isinstance(error, IndexMissingError | IndexMismatchError | IndexDamagedError):
        return 503
    return 422 if isinstance(error, UsageError) else 500


def unforeseen_line(error: Exception) -> str:
    """Logs a bug with its traceback; the line for the user gives a reference to it, never the exception's text."""
    reference = secrets.token_hex(4)
    log.error("unforeseen error", extra={"reference": reference}, exc_info=error)
    return f"something went wrong here; look for {reference} in the log"


def _of_our_options(criteria: Sequence[Criterion], options: Sequence[Option]) -> Sequence[Criterion]:
    """The criteria. UsageError where one has a cell of an option that is not decided on."""
    known = [option.id for option in options]
    for criterion in criteria:
        for option in criterion.cells:
            if option not in known:
                ours = " and ".join(map(repr, known))
                raise UsageError(f"criterion {criterion.id!r} has a cell for {option!r}; the options are {ours}")
    return criteria


def _problem(status: int, line: str) -> JSONResponse:
    return JSONResponse({"error": " ".join(line.split())}, status)
