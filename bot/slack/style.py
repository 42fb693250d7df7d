"""What a rendering needs to know beside the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from bot.answer import Answer
from bot.slack.text import address
from kb.records import Option


@dataclass(frozen=True, slots=True)
class Style:
    """The decision's options in their order, today's date, and where the browser chat is (`""`: nowhere)."""

    options: Sequence[Option]
    today: date
    public_url: str = ""

    def name(self, option_id: str) -> str:
        """An option's full name."""
        return next((option.name for option in self.options if option.id == option_id), option_id)

    def other(self, choice: str | None) -> Option | None:
        """The option that was not chosen; None where the choice is no option."""
        if all(option.id != choice for option in self.options):
            return None
        return next((option for option in self.options if option.id != choice), None)

    def page(self, answer: Answer, n: int | None = None) -> str | None:
        """The address of the answer, or of its citation `n`, in the browser chat; None where there is no public one."""
        if not self.public_url:
            return None
        cited = f"&c={n}" if n is not None else ""
        return f"{self.public_url.rstrip('/')}/?a={quote(answer.id, safe='')}{cited}"

    def url_of(self, answer: Answer, n: int) -> str | None:
        """Where citation `n` opens: its section, else its passage in the browser chat, else what it is based on."""
        citation = next((c for c in answer.citations if c.n == n), None)
        if citation is None:
            return None
        candidates = (citation.url, self.page(answer, n) or "", *(basis.url for basis in citation.basis))
        return next((url for url in candidates if address(url)), None)
