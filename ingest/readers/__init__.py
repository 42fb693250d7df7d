"""One reader a format: bytes in, blocks out. `read` picks the reader by media type."""

from ingest.blocks import Parsed
from ingest.sources import Fetched

VERSION = "3"
"""Changes whenever a reader makes other blocks of the same bytes: documents are then parsed anew."""

_OFFICE = {
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}


def read(fetched: Fetched) -> Parsed:
    """The document as blocks. ValueError, with the reason in a few words, where it cannot be read."""
    kind = fetched.content_type.split(";")[0].strip().lower()
    data, url = fetched.data, fetched.url
    if not data.strip():
        raise ValueError("empty")
    if kind == "text/x-guide" and fetched.file:
        from ingest.readers.guide import read_guide_page

        return read_guide_page(fetched.file, url)
    if kind in _OFFICE:
        from ingest.readers.office import read_office

        return read_office(data, _OFFICE[kind], url)
    if kind == "application/x-ipynb+json":
        from ingest.readers.notebook import read_notebook

        return read_notebook(data, url)
    if kind in ("text/html", "application/xhtml+xml"):
        from ingest.readers.html import read_html

        return read_html(data, url)
    if kind in ("text/markdown", "text/x-markdown"):
        from ingest.readers.markdown import read_markdown

        return read_markdown(data, url)
    if kind == "application/yaml":
        from ingest.readers.landing import read_landing

        return read_landing(data, url)
    if kind.startswith("text/"):
        from ingest.readers.text import read_text

        return read_text(data, url)
    raise ValueError(f"a kind of document that is not read ({kind or 'unknown'})")
