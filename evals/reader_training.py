"""Trains the question reader: `whichway eval train --reader`, about an hour of one core.

The bundled encoder is trained further (its word vectors stay) with six linear heads, all at once: cross-entropy of
choice on the mean of the word vectors, of kind and of each option that is asked about on that over the last turn of a
conversation, of topic, polarity and weight on the mean over a stretch beside the whole.
The graph is kept in ONNX with its weights in eight bits, a scale for each column, unpacked when it is loaded.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.reading import KINDS, POLARITIES, SHARED, WEIGHTS
from evals.stories import BACKGROUND, Example
from kb.compile_encoder import fuse

EPOCHS, BATCH, RATE, HEAD_RATE = 3, 32, 1e-4, 1e-3
KEPT = 0.998
"""What the average of the weights keeps of itself at each step: it is about the last five hundred that are shipped."""
SEED = 0
_TOPIC, _POLARITY, _WEIGHT, _KIND, _CHOICE, _ABOUT = 1.0, 0.6, 0.2, 0.7, 0.8, 0.4
"""How much the loss of each head counts."""

_LONGEST = 384
"""Tokens of a text; the rest of a longer one is not learned from."""

_LEAST_PACKED = 50_000
"""Matrices with fewer numbers stay as they are."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Row:
    """An example as token ids; `labels` are (first token, end token, topics, polarity or -1, weight or -1).

    `now`: the first token of the last turn. `about`: 1 or 0 for each option, in the order of their ids, or nothing.
    """

    ids: list[int]
    labels: list[tuple[int, int, Mapping[str, float], int, int]]
    kind: int
    choices: Mapping[str, float] | None
    now: int
    about: tuple[float, ...]


def train_reader(
    examples: Sequence[Example],
    *,
    encoder: Path,
    topics: Sequence[str],
    options: Sequence[str],
    leans: Mapping[str, str],
    folder: Path,
    report: Report,
) -> None:
    """Train on the examples and write `reader.onnx` and `heads.npz` to `folder`; a line an epoch to `report`.

    `leans`: the option that each topic speaks for, where it speaks for one.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from torch import nn
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    torch.manual_seed(SEED)
    torch.set_flush_denormal(True)  # the optimiser's smallest numbers would cost it twice the time
    rng = random.Random(SEED)  # noqa: S311 - a shuffle
    loaded = SentenceTransformer(str(encoder), device="cpu", local_files_only=True)
    body: Any = loaded[0].auto_model
    tokenizer: Any = loaded.tokenizer
    width = int(body.config.hidden_size)
    columns = {name: column for column, name in enumerate((*topics, BACKGROUND))}
    names = (*sorted(options), *SHARED)
    heads: Any = nn.ModuleDict(
        {
            "topic": nn.Linear(2 * width, len(columns)),
            "polarity": nn.Linear(2 * width, len(POLARITIES)),
            "weight": nn.Linear(2 * width, len(WEIGHTS)),
            "kind": nn.Linear(width, len(KINDS)),
            "choice": nn.Linear(width, len(names)),
            "about": nn.Linear(width, len(options)),
        }
    )
    drop = nn.Dropout(0.1)
    for parameter in body.embeddings.parameters():
        parameter.requires_grad = False
    moving = [p for p in body.parameters() if p.requires_grad]
    steps = torch.optim.AdamW(
        [{"params": moving, "lr": RATE}, {"params": list(heads.parameters()), "lr": HEAD_RATE}], weight_decay=0.01
    )
    rows = [_row(example, tokenizer, sorted(options)) for example in examples]
    total = EPOCHS * -(-len(rows) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        steps, lambda step: min(1.0, (step + 1) / (0.1 * total)) * max(0.02, 1 - step / total)
    )
    cross = nn.functional.cross_entropy
    learned: Any = nn.ModuleDict({"body": body, "heads": heads})
    average: Any = AveragedModel(learned, multi_avg_fn=get_ema_multi_avg_fn(KEPT))  # type: ignore[no-untyped-call]
    body.train()
    for epoch in range(EPOCHS):
        lost = 0.0
        batches = _batches(rows, rng)
        for batch in batches:
            ids, mask, spans, targets = _tensors(batch, columns, names)
            words = body(input_ids=ids, attention_mask=mask).last_hidden_state
            shown = mask[..., None].float()
            whole = (words * shown).sum(1) / shown.sum(1)
            loss = torch.zeros(())
            if spans:
                pooled = torch.stack([torch.cat([words[r, a:b].mean(0), whole[r]]) for r, a, b in spans])
                pooled = drop(pooled)
                loss = loss + _TOPIC * cross(heads["topic"](pooled), targets["topic"])
                for name, share in (("polarity", _POLARITY), ("weight", _WEIGHT)):
                    if bool((targets[name] >= 0).any()):
                        loss = loss + share * cross(heads[name](pooled), targets[name], ignore_index=-1)
            dropped = drop(whole)
            latest = shown * (torch.arange(ids.shape[1])[None, :, None] >= targets["now"][:, None, None])
            turn = drop((words * latest).sum(1) / latest.sum(1))
            if bool((targets["kind"] >= 0).any()):
                loss = loss + _KIND * cross(heads["kind"](turn), targets["kind"], ignore_index=-1, label_smoothing=0.05)
            known = [number for number, row in enumerate(batch) if row.about]
            if known:
                asked_of = torch.tensor([batch[number].about for number in known])
                loss = loss + _ABOUT * nn.functional.binary_cross_entropy_with_logits(
                    heads["about"](turn[known]), asked_of
                )
            chosen = targets["choice"].sum(1) > 0
            if bool(chosen.any()):
                loss = loss + _CHOICE * cross(heads["choice"](dropped[chosen]), targets["choice"][chosen])
            steps.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_([*moving, *heads.parameters()], 1.0)
            steps.step()
            schedule.step()
            average.update_parameters(learned)
            lost += float(loss.detach())
        report(f"epoch {epoch + 1} of {EPOCHS}: loss {lost / len(batches):.3f} over {len(rows)} examples")
    folder.mkdir(parents=True, exist_ok=True)
    body, heads = average.module["body"].eval(), average.module["heads"]
    _write_graph(body, tokenizer, folder / "reader.onnx")
    matrices: dict[str, Any] = {
        name: np.vstack([head.weight.detach().numpy().T, head.bias.detach().numpy()[None]]).astype(np.float16)
        for name, head in heads.items()
    }
    np.savez_compressed(
        folder / "heads.npz",
        options=np.array(sorted(options)),
        topics=np.array(list(topics)),
        leans=np.array([leans.get(topic, "") for topic in topics]),
        **matrices,
    )


def _row(example: Example, tokenizer: Any, options: Sequence[str]) -> _Row:
    encoded = tokenizer(example.text, truncation=True, max_length=_LONGEST, return_offsets_mapping=True)
    labels = []
    for label in example.labels:
        inside = [
            i
            for i, (start, end) in enumerate(encoded["offset_mapping"])
            if end > start and start < label.end and end > label.start
        ]
        if inside:
            polarity = POLARITIES.index(label.polarity) if label.polarity else -1
            weight = WEIGHTS.index(label.weight) if label.weight else -1
            labels.append((inside[0], inside[-1] + 1, label.topics, polarity, weight))
    kind = KINDS.index(example.kind) if example.kind else -1
    offsets = encoded["offset_mapping"]
    now = next((i for i, (start, end) in enumerate(offsets) if end > start >= example.now), 0) if example.now else 0
    about = () if example.about is None else tuple(float(option in example.about) for option in options)
    return _Row(list(encoded["input_ids"]), labels, kind, example.choices, now, about)


def _batches(rows: Sequence[_Row], rng: random.Random) -> list[list[_Row]]:
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].ids) + 8 * rng.random())
    batches = [[rows[i] for i in order[start : start + BATCH]] for start in range(0, len(order), BATCH)]
    rng.shuffle(batches)
    return batches


def _tensors(batch: Sequence[_Row], columns: Mapping[str, int], names: Sequence[str]) -> tuple[Any, Any, Any, Any]:
    import torch

    longest = max(len(row.ids) for row in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros(len(batch), longest, dtype=torch.long)
    spans: list[tuple[int, int, int]] = []
    about, polarity, weight = [], [], []
    choice = torch.zeros(len(batch), len(names))
    for number, row in enumerate(batch):
        ids[number, : len(row.ids)] = torch.tensor(row.ids)
        mask[number, : len(row.ids)] = 1
        for start, end, topics, way, heavy in row.labels:
            spans.append((number, start, end))
            target = torch.zeros(len(columns))
            for topic, share in topics.items():
                target[columns[topic]] = share
            about.append(target)
            polarity.append(way)
            weight.append(heavy)
        for name, share in (row.choices or {}).items():
            choice[number, names.index(name)] = share
    targets = {
        "topic": torch.stack(about) if about else torch.zeros(0, len(columns)),
        "polarity": torch.tensor(polarity, dtype=torch.long),
        "weight": torch.tensor(weight, dtype=torch.long),
        "kind": torch.tensor([row.kind for row in batch]),
        "now": torch.tensor([row.now for row in batch]),
        "choice": choice,
    }
    return ids, mask, spans, targets


def _write_graph(body: Any, tokenizer: Any, file: Path) -> None:
    import onnx
    import torch

    class Words(torch.nn.Module):
        """Token ids to word vectors."""

        def __init__(self) -> None:
            super().__init__()
            self.body = body

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
            return self.body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state

    body.set_attn_implementation("eager")
    sample = tokenizer(["which of the two should we take", "two words"], padding=True, return_tensors="pt")
    sizes = {0: torch.export.Dim("batch", min=1, max=64), 1: torch.export.Dim("length", min=2, max=512)}
    with torch.no_grad():
        program = torch.onnx.export(
            Words().eval(),
            (sample["input_ids"], sample["attention_mask"]),
            dynamo=True,
            dynamic_shapes=(sizes, sizes),
            input_names=["input_ids", "attention_mask"],
            output_names=["words"],
            verbose=False,
        )
    assert program is not None
    program.save(str(file), external_data=False)
    fuse(file, body.config)
    onnx.save(_packed(onnx.load(str(file))), str(file))


def _packed(model: Any) -> Any:
    """The model with its large matrices in eight bits: a scale a row where rows are looked up, else one a column."""
    from onnx import helper, numpy_helper

    graph = model.graph
    kept: list[Any] = []
    unpacking: list[Any] = []
    for stored in graph.initializer:
        values = numpy_helper.to_array(stored)
        if values.dtype != np.float32 or values.ndim != 2 or values.size < _LEAST_PACKED:
            kept.append(stored)
            continue
        looked_up = any(node.op_type == "Gather" and stored.name in node.input for node in graph.node)
        axis = 0 if looked_up else 1
        scale = (np.abs(values).max(axis=1 - axis) / 127).astype(np.float32)
        scale[scale == 0] = 1
        bits = np.clip(np.rint(values / np.expand_dims(scale, 1 - axis)), -127, 127).astype(np.int8)
        parts = {"bits": bits, "scale": scale, "zero": np.zeros(len(scale), np.int8)}
        kept += [numpy_helper.from_array(part, f"{stored.name}.{name}") for name, part in parts.items()]
        inputs = [f"{stored.name}.{name}" for name in parts]
        unpacking.append(helper.make_node("DequantizeLinear", inputs, [stored.name], axis=axis))
    nodes = list(graph.node)
    for field, items in (("initializer", kept), ("node", [*unpacking, *nodes]), ("value_info", [])):
        del getattr(graph, field)[:]
        getattr(graph, field).extend(items)
    return model
