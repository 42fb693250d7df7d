"""What can go wrong with a chat model, in one word each, and what the reader is told."""

from collections.abc import Mapping
from typing import Literal

from kb.errors import WhichwayError

Kind = Literal[
    "timeout", "unauthorised", "rate_limited", "server_error", "unreachable", "rejected", "refused", "empty",
    "garbled", "cut", "unsupported", "over_budget", "paused", "failed",
]  # fmt: skip

NOTICES: Mapping[Kind, str] = {
    "timeout": "The chat model did not answer in time",
    "unauthorised": "The chat model refused our credentials",
    "rate_limited": "The chat model is taking no more requests for now",
    "server_error": "The chat model's service has a fault",
    "unreachable": "The chat model could not be reached",
    "rejected": "The chat model did not accept the request",
    "refused": "The chat model declined to answer",
    "empty": "The chat model said nothing",
    "garbled": "The chat model's answer could not be read",
    "cut": "The chat model's answer broke off",
    "unsupported": "The sources do not bear out what the chat model wrote",
    "over_budget": "The chat model's budget is used up",
    "paused": "The chat model failed several times and is left alone for a while",
    "failed": "The chat model failed",
}

NOTHING_READ: frozenset[Kind] = frozenset(
    ("unauthorised", "rate_limited", "server_error", "unreachable", "rejected", "over_budget", "paused")
)
"""The model never saw the question: no tokens were spent."""

_STATUS: Mapping[int, Kind] = {400: "rejected", 401: "unauthorised", 403: "unauthorised", 404: "rejected",
                               408: "timeout", 413: "rejected", 422: "rejected", 429: "rate_limited"}  # fmt: skip
_BY_NAME: tuple[tuple[str, Kind], ...] = (
    ("ContentFilter", "refused"),
    ("Authentication", "unauthorised"), ("PermissionDenied", "unauthorised"), ("RateLimit", "rate_limited"),
    ("Timeout", "timeout"), ("ContextOverflow", "rejected"), ("InvalidRequest", "rejected"),
    ("BadRequest", "rejected"), ("NotFound", "rejected"), ("Connect", "unreachable"), ("Protocol", "unreachable"),
    ("ModelAPI", "server_error"), ("InternalServer", "server_error"), ("JSONDecode", "garbled"),
)  # fmt: skip


class ModelFailedError(WhichwayError):
    """The chat model gave nothing that can be shown. `kind` says why; `detail` is for the log, never for the reader."""

    def __init__(self, kind: Kind, detail: str = "") -> None:
        super().__init__(f"{NOTICES[kind]}; this answer is quoted from the sources.")
        self.kind: Kind = kind
        self.detail = detail


def failure_of(error: BaseException, *, begun: bool = False) -> ModelFailedError:
    """Any provider's error as ours. `begun`: text had arrived, so that a lost connection means a cut answer."""
    if isinstance(error, ModelFailedError):
        return error
    detail = f"{type(error).__name__}: {str(error)[:300]}"
    status = getattr(error, "status_code", None)
    kind: Kind = "failed"
    if isinstance(status, int):
        kind = _STATUS.get(status, "server_error" if status >= 500 else "rejected")
    else:
        names = [cls.__name__ for each in (error, error.__cause__) if each is not None for cls in type(each).__mro__]
        kind = next((kind for part, kind in _BY_NAME if any(part in name for name in names)), kind)
        if kind == "failed" and "api_key" in str(error).lower():
            kind = "unauthorised"
    if begun and kind in ("unreachable", "failed", "server_error", "garbled"):
        kind = "cut"
    return ModelFailedError(kind, detail)
