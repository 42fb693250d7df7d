"""The MCP server: ask, compare, get_section and list_sources, over streamable HTTP or standard input and output.

A tool's structured content is the Answer itself; its text is the same answer as Markdown.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from bot.answer import QUESTION_LIMIT, Answer, Question, Turn
from bot.desk import Desk
from bot.listing import SourceRow
from bot.render import to_markdown
from kb.errors import WhichwayError

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from starlette.applications import Starlette

Asked = Annotated[
    str, Field(description=f"The question, at most {QUESTION_LIMIT:,} characters", max_length=QUESTION_LIMIT)
]
Topic = Annotated[str, Field(description="What to compare the platforms for", min_length=2, max_length=400)]


class Passage(BaseModel):
    """A cited section: `text[start:end]` is the quote, in code points; `url` opens the section."""

    title: str
    heading: tuple[str, ...]
    url: str
    text: str
    start: int
    end: int
    quote: str


class Sources(BaseModel):
    """What is in the index."""

    sources: list[SourceRow]


def build_mcp(desk: Desk) -> "MCPServer":
    """The server with its tools; `run("stdio")` serves it on standard input and output."""
    from mcp.server import MCPServer
    from mcp.server.mcpserver.exceptions import ToolError
    from mcp_types import CallToolResult, TextContent, ToolAnnotations

    options = desk.settings.decision.options
    names = f"{options[0].name} or {options[1].name}"
    server: MCPServer = MCPServer(
        name="whichway",
        title="whichway",
        instructions=(
            f"Answers which of two platforms to use ({names}) from a knowledge base, with a verdict, the case for "
            "each side and citations. Numbers in brackets are citations of that answer; get_section opens one."
        ),
        log_level="WARNING",
    )
    reading = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

    def shown(text: str, history: list[Turn]) -> CallToolResult:
        try:
            answer = desk.ask(Question(text=text, history=tuple(history)), channel="mcp")
        except WhichwayError as error:
            raise ToolError(str(error)) from error
        return CallToolResult(
            content=[TextContent(type="text", text=to_markdown(answer, options))],
            structured_content=answer.model_dump(mode="json"),
        )

    @server.tool(title="Ask which platform to use", annotations=reading)
    def ask(question: Asked, history: list[Turn] | None = None) -> Annotated[CallToolResult, Answer]:
        """Which platform to use for a scenario, or what the sources say about either of them."""
        return shown(question, history or [])

    @server.tool(title="Compare both platforms", annotations=reading)
    def compare(topic: Topic) -> Annotated[CallToolResult, Answer]:
        """Both platforms side by side for one topic, such as streaming, cost or governance."""
        return shown(f"Compare {options[0].name} and {options[1].name} for {topic}.", [])

    @server.tool(title="Open a cited section", annotations=reading)
    def get_section(answer_id: str, n: int) -> Passage:
        """The whole section that citation `n` of an answer quotes, with the place of the quote."""
        try:
            citation, text = desk.section(answer_id, n)
        except WhichwayError as error:
            raise ToolError(str(error)) from error
        return Passage(
            title=citation.title,
            heading=citation.section,
            url=citation.url,
            text=text,
            start=citation.start,
            end=citation.end,
            quote=citation.quote,
        )

    @server.tool(title="List the sources", annotations=reading)
    def list_sources() -> Sources:
        """The documents that answers are made from, with their dates."""
        try:
            return Sources(sources=desk.sources())
        except WhichwayError as error:
            raise ToolError(str(error)) from error

    return server


def mcp_app(server: "MCPServer") -> "Starlette":
    """The streamable HTTP app that serves `/mcp`, stateless; its lifespan has to be run with the outer app's."""
    from mcp.server.transport_security import TransportSecuritySettings

    return server.streamable_http_app(
        streamable_http_path="/mcp",
        json_response=True,
        stateless_http=True,
        # The guard has checked Host and Origin already, and knows the configured names.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
