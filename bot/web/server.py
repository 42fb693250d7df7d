"""One process for the browser chat, the HTTP API and MCP, behind one guard."""

import contextlib
import hashlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from bot.desk import Chain, Desk, SectionTexts
from bot.guard import Guard
from bot.listing import SourceRow
from bot.store import AnswerStore
from bot.web.routes import STATIC
from kb.errors import WhichwayError
from kb.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger(__name__)


def build_app(
    chain: Chain,
    settings: Settings,
    store: AnswerStore,
    *,
    sources: Callable[[], Sequence[SourceRow]] | None = None,
    section_texts: SectionTexts | None = None,
) -> ASGIApp:
    """The ASGI app. `section_texts` gives an answer's cited sections, so that they open for ever; None: the chain
    has put them into the store itself.
    """
    from fastapi import FastAPI

    from bot.api import add_error_handlers, api_router
    from bot.mcp import build_mcp, mcp_app
    from bot.web.page import mount_page
    from bot.web.routes import page_router

    desk = Desk(chain, settings, store, sources=sources, section_texts=section_texts)
    mcp = build_mcp(desk)
    streamable = mcp_app(mcp)

    @contextlib.asynccontextmanager
    async def lifespan(app: "FastAPI") -> AsyncIterator[None]:
        async with mcp.session_manager.run():
            yield
        store.close()

    app = FastAPI(title="whichway", version="1", docs_url=None, redoc_url=None, lifespan=lifespan)
    add_error_handlers(app)
    version = _version()
    app.include_router(api_router(desk))
    app.include_router(page_router(app, desk, version=version))
    app.router.routes.extend(streamable.routes)
    mount_page(app, desk, version=version)
    return Guard(app, settings.web)


def run(app: ASGIApp, host: str, port: int, *, started: Callable[[str], None] | None = None) -> None:
    """Serves until interrupted. `started` is called with the page's address; port 0 takes a free one.

    WhichwayError, in one line, where the port is taken or the host is none of this machine's.
    """
    import uvicorn

    listener = _listen(host, port)
    taken = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=5, server_header=False)
    )
    if started is not None:
        started(f"http://{shown}:{taken}/")
    server.run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        other = port + 1 if 0 < port < 65535 else 0
        reason = error.strerror or str(error)
        raise WhichwayError(f"cannot serve on {host}:{port} ({reason}); try: whichway serve --port {other}") from None
    return listener


def _version() -> str:
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]
