"""Reads Excel files row by row: the first row with content is the header, a cell is its value as it is stored."""

import io
import warnings
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time

from ingest.blocks import Block, Heading, Metadata, Parsed, TableRow
from ingest.readers.words import tidy

_MOST_CELLS = 1_000_000


def read_sheets(data: bytes) -> Parsed:
    """The document in a workbook's bytes, a section for each sheet that is shown.

    ValueError, with the reason, where it is damaged, too large or says nothing.
    """
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise ValueError(".xlsx files need an extra; run: pip install 'whichway[files]'") from None
    blocks: list[Block] = []
    with warnings.catch_warnings():
        # Of charts and formats that are not kept; none of it is about the words.
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            for sheet in book.worksheets:
                if sheet.sheet_state == "visible":
                    sheet.reset_dimensions()  # what the file says of its size need not be true
                    rows = list(_rows(sheet.values))
                    blocks += [Heading(2, tidy(sheet.title)), *rows] if rows else []
        except _TooLargeError:
            raise ValueError(f"too large: more than {_MOST_CELLS:,} cells in a sheet") from None
        except Exception:  # noqa: BLE001 - what its XML and zip parsers raise
            raise ValueError("a damaged xlsx file") from None
    if not blocks:
        raise ValueError("no text in it")
    return Parsed(Metadata(title=tidy(str(book.properties.title or ""))), tuple(blocks))


class _TooLargeError(Exception):
    """More cells than are read."""


def _rows(values: Iterable[tuple[object, ...]]) -> Iterator[TableRow]:
    told = (cells for row in _bounded(values) if any(cells := tuple(map(_words, row))))
    header = next(told, None)
    if header is None:
        return
    first = next(told, None)
    if first is None:
        yield TableRow(header)
        return
    yield TableRow(first, header)
    for cells in told:
        yield TableRow(cells, header)


def _bounded(values: Iterable[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
    left = _MOST_CELLS
    for row in values:
        left -= max(1, len(row))
        if left < 0:
            raise _TooLargeError
        yield row


def _words(value: object) -> str:
    if isinstance(value, datetime):
        value = value.date() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else tidy(str(value)).replace("\n", " ")
