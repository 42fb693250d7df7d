"""Reads PDF, Word, PowerPoint and Excel files with the libraries of the extra `whichway[files]`."""

import io
import warnings
import zipfile

from ingest.blocks import Parsed
from ingest.readers.markdown import read_text_of_markdown

_MOST_BYTES = 200_000_000

_CONVERTERS = {".pdf": "PdfConverter", ".docx": "DocxConverter", ".pptx": "PptxConverter"}


def read_office(data: bytes, suffix: str, url: str = "") -> Parsed:
    """The document in the bytes of a file with that suffix. ValueError where it is damaged or the extra is missing."""
    if suffix != ".pdf":
        _check_archive(data, suffix)
    if suffix == ".xlsx":
        from ingest.readers.sheets import read_sheets

        return read_sheets(data)
    try:
        from markitdown import MarkItDown, StreamInfo, converters
        from markitdown._exceptions import MarkItDownException
    except ImportError:
        raise ValueError(f"{suffix} files need an extra; run: pip install 'whichway[files]'") from None
    with warnings.catch_warnings():
        # The converters' own libraries warn of their futures; none of it is about this file.
        warnings.simplefilter("ignore")
        try:
            # Its own choice of converters ends with one that reads the bytes of a damaged file as text.
            reader = MarkItDown(enable_builtins=False, enable_plugins=False)
            reader.register_converter(getattr(converters, _CONVERTERS[suffix])())
            converted = reader.convert_stream(io.BytesIO(data), stream_info=StreamInfo(extension=suffix))
        except MarkItDownException as error:
            raise ValueError(_reason(error, suffix)) from None
    if not converted.markdown.strip():
        raise ValueError("no text in it (a scan, perhaps)")
    return read_text_of_markdown(converted.markdown, url=url, front={"title": converted.title or ""})


def _check_archive(data: bytes, suffix: str) -> None:
    """What is no archive would be read as plain text, and a small one may unpack to more than there is memory."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(info.file_size for info in archive.infolist())
    except zipfile.BadZipFile:
        raise ValueError(f"a damaged {suffix.lstrip('.')} file") from None
    if size > _MOST_BYTES:
        raise ValueError(f"too large: {size / 1e6:.0f} MB when unpacked, at most {_MOST_BYTES / 1e6:.0f} MB are read")


def _reason(error: Exception, suffix: str) -> str:
    if "MissingDependency" in str(error) or "MissingDependency" in type(error).__name__:
        return f"{suffix} files need an extra; run: pip install 'whichway[files]'"
    return f"a damaged {suffix.lstrip('.')} file"
