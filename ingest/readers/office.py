"""Reads PDF, Word, PowerPoint and Excel files through markitdown, the extra `whichway[files]`."""

import io
import warnings
import zipfile

from ingest.blocks import Parsed
from ingest.readers.markdown import read_text_of_markdown


def read_office(data: bytes, suffix: str, url: str = "") -> Parsed:
    """The document in the bytes of a file with that suffix. ValueError where it is damaged or the extra is missing."""
    if suffix != ".pdf" and not zipfile.is_zipfile(io.BytesIO(data)):
        # Handed on, it would be read as plain text.
        raise ValueError(f"a damaged {suffix.lstrip('.')} file")
    try:
        from markitdown import MarkItDown, StreamInfo
        from markitdown._exceptions import MarkItDownException
    except ImportError:
        raise ValueError(f"{suffix} files need an extra; run: pip install 'whichway[files]'") from None
    with warnings.catch_warnings():
        # The converters' own libraries warn of their futures; none of it is about this file.
        warnings.simplefilter("ignore")
        try:
            converted = MarkItDown(enable_plugins=False).convert_stream(
                io.BytesIO(data), stream_info=StreamInfo(extension=suffix)
            )
        except MarkItDownException as error:
            raise ValueError(_reason(error, suffix)) from None
    if not converted.markdown.strip():
        raise ValueError("no text in it (a scan, perhaps)")
    return read_text_of_markdown(converted.markdown, url=url, front={"title": converted.title or ""})


def _reason(error: Exception, suffix: str) -> str:
    if "MissingDependency" in str(error) or "MissingDependency" in type(error).__name__:
        return f"{suffix} files need an extra; run: pip install 'whichway[files]'"
    return f"a damaged {suffix.lstrip('.')} file"
