"""Trains the assessor: `whichway eval train --assessor`, about an hour and a half of one core.

The layers of the bundled encoder (its word vectors stay) read a question and a statement together; a linear layer
on the mean of the word vectors gives the log odds that the statement answers. Cross-entropy against the judged grade,
and a softmax over the statements of each question, so that what answers stands before what only resembles.
"""

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.assessing import MAX_TOKENS
from evals.assessments import Assessed

LAYERS = 6
EPOCHS, QUESTIONS, RATE, HEAD_RATE = 3, 5, 1e-4, 1e-3
PART = 12
"""Pairs that are padded to the same length."""

ANSWERING, OTHERS = 4, 5
"""At most so many statements of a question with a grade, and so many others, are read in an epoch."""

TARGETS = (0.0, 0.3, 1.0)
"""The probability that is wanted of each grade."""

_AMONG = 0.4
"""How much the softmax over a question's statements counts."""

SEED = 0

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Pair:
    question: str
    statement: str
    target: float


def train_assessor(assessed: Sequence[Assessed], *, encoder: Path, file: Path, report: Report) -> None:
    """Train on the judged questions and write the graph to `file`; a line now and then to `report`."""
    import torch
    from sentence_transformers import SentenceTransformer
    from torch import nn

    torch.manual_seed(SEED)
    torch.set_flush_denormal(True)  # the optimiser's smallest numbers would cost it twice the time
    rng = random.Random(SEED)  # noqa: S311 - a shuffle
    loaded = SentenceTransformer(str(encoder), device="cpu", local_files_only=True)
    body: Any = loaded[0].auto_model
    tokenizer: Any = loaded.tokenizer
    body.encoder.layer = body.encoder.layer[:LAYERS]
    head = nn.Linear(int(body.config.hidden_size), 1)
    for parameter in body.embeddings.parameters():
        parameter.requires_grad = False
    moving = [p for p in body.parameters() if p.requires_grad]
    steps = torch.optim.AdamW(
        [{"params": moving, "lr": RATE}, {"params": list(head.parameters()), "lr": HEAD_RATE}], weight_decay=0.01
    )
    an_epoch = -(-len(assessed) // QUESTIONS)
    total = EPOCHS * an_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(
        steps, lambda step: min(1.0, (step + 1) / (0.1 * total)) * max(0.02, 1 - step / total)
    )
    body.train()
    done, lost = 0, 0.0
    for _ in range(EPOCHS):
        for batch in _batches(assessed, rng):
            groups = [_pairs(each, rng) for each in batch]
            pairs = [pair for group in groups for pair in group]
            logits = _read(body, head, tokenizer, pairs)
            targets = torch.tensor([pair.target for pair in pairs])
            loss = nn.functional.binary_cross_entropy_with_logits(logits, targets)
            start = 0
            for group in groups:
                own, wanted = logits[start : start + len(group)], targets[start : start + len(group)]
                start += len(group)
                if bool((wanted == 1).any()) and bool((wanted < 1).any()):
                    share = (wanted / wanted.sum())[None]
                    loss = loss + _AMONG / len(groups) * nn.functional.cross_entropy(own[None], share)
            steps.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([*moving, *head.parameters()], 1.0)
            steps.step()
            schedule.step()
            done, lost = done + 1, lost + float(loss.detach())
            if done % 50 == 0 or done == total:
                report(f"step {done} of {total}: loss {lost / (done % 50 or 50):.3f}")
                lost = 0.0
    file.parent.mkdir(parents=True, exist_ok=True)
    body.eval()
    _write_graph(body, head, tokenizer, file)


def _read(body: Any, head: Any, tokenizer: Any, pairs: Sequence[_Pair]) -> Any:
    """The log odds of the pairs, in their order; read in parts of about the same length."""
    import torch

    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].question) + len(pairs[i].statement))
    parts = []
    for start in range(0, len(order), PART):
        part = [pairs[i] for i in order[start : start + PART]]
        inputs = tokenizer(
            [pair.question for pair in part],
            [pair.statement for pair in part],
            padding=True,
            truncation="longest_first",
            max_length=MAX_TOKENS,
            return_tensors="pt",
        )
        parts.append(_logits(body, head, inputs))
    return torch.cat(parts)[torch.argsort(torch.tensor(order))]


def _logits(body: Any, head: Any, inputs: Any) -> Any:
    words = body(**inputs).last_hidden_state
    shown = inputs["attention_mask"][..., None].to(words.dtype)
    return head((words * shown).sum(1) / shown.sum(1))[:, 0]


def _pairs(assessed: Assessed, rng: random.Random) -> list[_Pair]:
    graded = sorted(range(len(assessed.grades)), key=lambda i: (-assessed.grades[i], rng.random()))
    kept = [i for i in graded if assessed.grades[i]][:ANSWERING]
    others = [i for i in graded if not assessed.grades[i]][:OTHERS]
    return [_Pair(assessed.masked, assessed.statements[i], TARGETS[assessed.grades[i]]) for i in (*kept, *others)]


def _batches(assessed: Sequence[Assessed], rng: random.Random) -> list[list[Assessed]]:
    """Questions of about the same length together: less padding."""
    order = sorted(assessed, key=lambda each: len(each.masked) + 40 * rng.random())
    batches = [order[start : start + QUESTIONS] for start in range(0, len(order), QUESTIONS)]
    rng.shuffle(batches)
    return batches


def _write_graph(body: Any, head: Any, tokenizer: Any, file: Path) -> None:
    import onnx
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    class Pair(torch.nn.Module):
        """Token ids of pairs to log odds."""

        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = body, head

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> Any:
            inputs = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
            return _logits(self.body, self.head, inputs)

    body.set_attn_implementation("eager")
    sample = tokenizer(["which of the two", "a"], ["takes streams", "two words"], padding=True, return_tensors="pt")
    names = ("input_ids", "attention_mask", "token_type_ids")
    sizes = {0: torch.export.Dim("batch", min=1, max=256), 1: torch.export.Dim("length", min=2, max=MAX_TOKENS)}
    with torch.no_grad():
        program = torch.onnx.export(
            Pair().eval(),
            tuple(sample[name] for name in names),
            dynamo=True,
            dynamic_shapes=(sizes, sizes, sizes),
            input_names=list(names),
            output_names=["logit"],
            verbose=False,
        )
    assert program is not None
    # Computed in eight bits, not only kept: half the time, and order is what counts.
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        onnx.save(program.model_proto, str(whole))
        quantize_dynamic(str(whole), str(file), weight_type=QuantType.QInt8, per_channel=True)
