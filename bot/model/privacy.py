"""What leaves the machine because of the chat model: rows for `whichway doctor`."""

import os

from bot.model.provider import LOCAL, address_of, missing_secrets, provider_of
from kb.settings import Settings

_TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2", "LANGCHAIN_TRACING")
_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def privacy(settings: Settings) -> list[tuple[str, str]]:
    """(subject, what is sent where), one row a model, then LangSmith tracing. Reads the environment; sends nothing."""
    rows = [
        _row(label, name, settings)
        for label, name in (("chat model", settings.model.name), ("judge", settings.model.judge))
    ]
    if settings.model.nli:
        rows.append(("inference model", f"{settings.model.nli} runs in this process; nothing is sent"))
    rows.append(("LangSmith tracing", _tracing()))
    proxy = next((variable for variable in _PROXIES if os.environ.get(variable)), None)
    if proxy and (settings.model.name or settings.model.judge):
        rows.append(("proxy", f"requests to models go through the proxy of {proxy}"))
    return rows


def _row(label: str, name: str, settings: Settings) -> tuple[str, str]:
    if not name:
        return label, "none: nothing is sent"
    provider, _ = provider_of(name)
    if provider == LOCAL:
        return label, f"{name} runs in this process; nothing is sent"
    address = address_of(name, settings.model)
    missing = missing_secrets(name, settings.model)
    lacking = f"; {' and '.join(missing)} not set" if missing else ""
    what = "the question, its needs and the cited passages" if label == "chat model" else "golden questions and answers"
    return label, f"{what} go to {name} at {address or 'an address that is not set'}{lacking}"


def _tracing() -> str:
    on = [name for name in _TRACING if os.environ.get(name, "").lower() in ("true", "1")]
    if not on:
        return "off: nothing is sent"
    where = (
        os.environ.get("LANGSMITH_ENDPOINT")
        or os.environ.get("LANGCHAIN_ENDPOINT")
        or "https://api.smith.langchain.com"
    )
    return f"on ({on[0]}): every question, prompt and answer go to {where}; unset {on[0]} to stop it"
