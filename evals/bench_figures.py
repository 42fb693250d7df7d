"""What a benchmark finds: figures, each beside what it is measured against, as a table, JSON and a plot."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. `baseline` is the other's figure in the same unit and run; `least` and `most` what was promised."""

    name: str
    value: float
    unit: str
    against: str = ""
    baseline: float | None = None
    most: float | None = None
    least: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether the promise is kept; None where none was made."""
        if self.most is None and self.least is None:
            return None
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)


@dataclass(frozen=True, slots=True)
class Bench:
    """A run: when, on what (cores, load, index size), and its figures."""

    at: str
    machine: dict[str, Any]
    chunks: int
    measures: tuple[Measure, ...]

    def named(self, name: str) -> Measure:
        """The figure of that name; KeyError where there is none."""
        return {measure.name: measure for measure in self.measures}[name]

    def as_json(self) -> str:
        """The run as JSON, with whether each promise is kept."""
        measures = [asdict(measure) | {"kept": measure.kept} for measure in self.measures]
        return json.dumps(asdict(self) | {"measures": measures}, indent=1)


def quantiles(name: str, seconds: Sequence[float], *, against: str = "", baseline: Sequence[float] = (),
              most: tuple[float | None, float | None] = (None, None)) -> list[Measure]:  # fmt: skip
    """Median and 95th percentile in milliseconds, beside those of the baseline."""
    found = []
    for share, label, bound in ((50, "p50", most[0]), (95, "p95", most[1])):
        other = round(1000 * float(np.percentile(baseline, share)), 2) if len(baseline) else None
        value = round(1000 * float(np.percentile(seconds, share)), 2)
        found.append(Measure(f"{name} {label}", value, "ms", against if other is not None else "", other, bound))
    return found


def bench_table(bench: Bench) -> Any:
    """The run as a table for the terminal."""
    from rich.table import Table

    on = ", ".join(f"{key} {value}" for key, value in bench.machine.items())
    table = Table("figure", "here", "beside", "", "promised", title=f"{bench.chunks:,} chunks ({on})")
    for measure in bench.measures:
        bound = f"at most {measure.most:g}" if measure.most is not None else ""
        bound = f"at least {measure.least:g}" if measure.least is not None else bound
        colour = {None: "default", True: "green", False: "red"}[measure.kept]
        beside = "" if measure.baseline is None else f"{measure.baseline:g} {measure.unit}"
        table.add_row(
            measure.name, f"[{colour}]{measure.value:g} {measure.unit}[/{colour}]", beside, measure.against, bound
        )
    return table


def bench_plot(bench: Bench) -> str:
    """The times as an SVG: ours and what each is beside, on a logarithmic axis of seconds."""
    from evals.plots import OTHER, OURS, drawn

    scale = {"ms": 0.001, "s": 1.0}
    rows = [measure for measure in bench.measures if measure.unit in scale and measure.value > 0]

    def draw(axes: Any) -> None:
        for place, measure in enumerate(reversed(rows)):
            if measure.baseline:
                axes.plot([scale[measure.unit] * measure.baseline], [place], "s", color=OTHER, markersize=7)
            axes.plot([scale[measure.unit] * measure.value], [place], "o", color=OURS, markersize=7)
        axes.set_xscale("log")
        axes.set_yticks(range(len(rows)), [measure.name for measure in reversed(rows)])
        axes.set_xlabel("seconds; squares: the baseline of the same run")
        axes.grid(axis="x", alpha=0.12)

    return drawn(6.4, 0.32 * len(rows) + 0.9, draw, alt=f"Times at {bench.chunks} chunks, ours beside the baselines")
