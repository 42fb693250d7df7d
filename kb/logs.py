"""Structured logs: one JSON object a line on standard error, never a secret."""

import json
import logging
import re
import sys
import time

_SECRET = re.compile(r"\b(xox[abposr]-[\w-]+|xapp-[\w-]+|sk-[\w-]{8,}|Bearer\s+\S+)")
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """A record as one JSON line; what was passed as `extra` becomes its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, tokens and keys blotted out."""
        entry: dict[str, object] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return _SECRET.sub("[secret]", json.dumps(entry, ensure_ascii=False, default=str))


def start_logging(level: int) -> None:
    """Send our own logs at `level` and everybody's warnings to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("kb", "ingest", "bot", "evals"):
        logging.getLogger(name).setLevel(level)
