"""The pages that need no script: what is in the index, and the API's description."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.listing import SourceRow
from bot.web.html import clean, e, external_link
from bot.web.shell import masthead
from kb.settings import Settings

_STANDING = {"guide": "whichway guide", "comparison": "Compares both", "reference": "Reference"}


def document(settings: Settings, title: str, body: str, *, version: str, here: str = "") -> str:
    """A whole HTML page."""
    inner = clean(
        f'<div class="whichway still">{masthead(settings, here=here)}<div class="sheet" role="main">{body}</div></div>'
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<title>{e(title)} · whichway</title><meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" type="image/svg+xml" href="ui/icon.svg">'
        f'<link rel="stylesheet" href="ui/app.css?v={version}"><script defer src="ui/app.js?v={version}"></script>'
        f"</head><body>{inner}</body></html>"
    )


def sources_body(rows: Sequence[SourceRow], settings: Settings) -> str:
    """What answers are made from, with ages, and how to add to it."""
    if not rows:
        return (
            "<h1>Sources</h1><p>There is no index yet. Build it, then reload this page:</p>"
            "<pre><code>whichway ingest</code></pre>"
        )
    sections, documents = sum(row.sections for row in rows), len(rows)
    body = "".join(_row(row) for row in rows)
    only_guide = all(row.standing == "guide" for row in rows)
    more = (
        "<h2>Read the originals too</h2><p>These are whichway’s own pages, each statement with what it is based on. To "
        "fetch and index the article and the documents behind them from their own addresses:</p>"
        "<pre><code>whichway ingest --reading-list --add</code></pre>"
        if only_guide
        else ""
    )
    return (
        f"<h1>Sources</h1><p>{documents:,} document{'s' if documents != 1 else ''} with {sections:,} sections. Answers "
        f"to “{e(settings.decision.question)}” are made from these and nothing else.</p>"
        '<div class="wide"><table class="listing"><thead><tr><th scope="col">Document</th><th scope="col">Kind</th>'
        '<th scope="col">Published</th><th scope="col">Read</th><th scope="col">Sections</th></tr></thead>'
        f"<tbody>{body}</tbody></table></div>{more}"
    )


def api_body(openapi: Mapping[str, Any]) -> str:
    """The HTTP API's operations, from its own description, and the MCP address."""
    rows = ""
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            rows += (
                f"<tr><td><code>{e(method.upper())}</code></td><td><code>{e(path)}</code></td>"
                f"<td>{e(operation.get('summary', ''))}</td></tr>"
            )
    example = (
        "curl -s localhost:7860/api/ask -H 'content-type: application/json' \\\n"
        '  -d \'{"question": "Which platform should I use for streaming sensor data?"}\''
    )
    return (
        "<h1>API</h1><p>Every answer as JSON, the same as on the page. Errors are <code>{&quot;error&quot;: "
        '&quot;one line&quot;}</code>. The whole description is at <a href="openapi.json">openapi.json</a>.</p>'
        '<div class="wide"><table class="listing"><thead><tr><th scope="col">Method</th><th scope="col">Path</th>'
        f'<th scope="col">What it does</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f"<pre><code>{e(example)}</code></pre><h2>MCP</h2><p>Streamable HTTP at <code>/mcp</code>, or "
        "<code>whichway mcp</code> on standard input and output. Tools: <code>ask</code>, <code>compare</code>, "
        "<code>get_section</code>, <code>list_sources</code>.</p>"
    )


def _row(row: SourceRow) -> str:
    state = "" if row.state == "current" else f'<small class="state">{e(row.state)}</small>'
    licence = f"<small>{e(row.licence)}</small>" if row.licence else ""
    return (
        f'<tr><th scope="row">{external_link(row.url, row.title)}{state}{licence}</th>'
        f'<td data-label="Kind">{e(_STANDING.get(row.standing, row.standing))}</td>'
        f'<td data-label="Published">{e(row.published or "not given")}</td>'
        f'<td data-label="Read">{e(row.fetched[:10])}</td><td data-label="Sections">{row.sections:,}</td></tr>'
    )
