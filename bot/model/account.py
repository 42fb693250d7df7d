"""What one answer took of the chat model: tokens, sentences, and why it failed where it did."""

import logging
from dataclasses import asdict, dataclass

from bot.model.failures import Kind

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Account:
    """Filled while an answer is written. Tokens are the server's count, else an estimate, those of failures included.

    `kept` sentences are in the answer as they were said, `mended` ones with other labels or words, `removed` ones not.
    """

    answer: str
    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    cached: bool = False
    kept: int = 0
    mended: int = 0
    removed: int = 0
    judgements_taken: int = 0
    judgements_refused: int = 0
    failure: Kind | None = None
    detail: str = ""
    ms: float = 0.0

    @property
    def tokens(self) -> int:
        """Those of the questions and the replies together."""
        return self.tokens_in + self.tokens_out


def log_account(account: Account) -> None:
    """One line a written answer, under its id; a warning where the model failed."""
    level = logging.INFO if account.failure is None else logging.WARNING
    log.log(level, "what the chat model did", extra=asdict(account))
