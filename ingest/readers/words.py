"""Small repairs that every reader makes to text: spaces, invisible characters, dates."""

import re
import unicodedata
from datetime import date, datetime

_SPACE = re.compile(r"[^\S\n]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]")
_DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%d %B %Y", "%B %d, %Y", "%b %d, %Y", "%d %b %Y", "%Y/%m/%d", "%Y%m%d")


def tidy(text: str) -> str:
    """The text in NFC with single spaces, no invisible or control characters, and hard breaks as single newlines."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n"))
    text = _SPACE.sub(" ", text.replace("\t", " "))
    text = re.sub(r" ?\n[ \n]*", "\n", text)
    return re.sub(r"(?<=[(\[]) +(?=\w|%)", "", text).strip()


def iso_date(value: object) -> str | None:
    """An ISO date from what front matter, a meta tag or an HTTP header holds; None where it is no date."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = str(value or "").strip()
    if match := re.match(r"\d{4}-\d{2}-\d{2}", text):
        text = match[0]
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    return None


def decode(data: bytes) -> str:
    """The text in the bytes: by its byte order mark, UTF-8, or the likeliest other encoding.

    ValueError, with the reason in a few words, where the bytes are no text.
    """
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                raise ValueError(f"not readable as {encoding}") from None
    if b"\x00" in data[:4096]:
        raise ValueError("a binary file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    start = data[:4096]
    if sum(byte < 9 or 13 < byte < 32 for byte in start) > len(start) * 0.02:
        raise ValueError("a binary file")
    if sum(byte < 128 for byte in start) > len(start) * 0.8:
        # Guessing by statistics errs on a few accented letters among plain ones; Windows wrote most such texts.
        return data.decode("cp1252", errors="replace")
    from charset_normalizer import from_bytes

    best = from_bytes(data[:200_000]).best()
    if best is None:
        raise ValueError("a binary file")
    return data.decode(best.encoding, errors="replace")
