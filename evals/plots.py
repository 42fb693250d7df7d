"""Plots as inline SVG that takes the page's text colour and font, so that it reads in light and dark."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from evals.results import Figure

_INK = "#010203"
"""A colour that nothing else has: replaced by the page's own text colour."""

OURS, OTHER = "#2f7ed8", "#9aa5b1"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of an interval plot; `ours` sets the bot apart from what it is measured against."""

    label: str
    figure: Figure
    ours: bool = True


def intervals(rows: Sequence[Row], *, alt: str) -> str:
    """Each figure as a dot with its interval, on one axis from 0 to 1, first row on top."""
    figure, axes = _axes(4.8, 0.4 * len(rows) + 0.6)
    for place, row in enumerate(reversed(rows)):
        colour = OURS if row.ours else OTHER
        low = row.figure.value if row.figure.low is None else row.figure.low
        high = row.figure.value if row.figure.high is None else row.figure.high
        axes.plot([low, high], [place, place], color=colour, linewidth=3, alpha=0.55, solid_capstyle="round")
        axes.plot([row.figure.value], [place], "o", color=colour, markersize=7)
        axes.text(1.04, place, f"{row.figure.value:.2f}", va="center", color=_INK, fontsize=10)
    axes.set_yticks(range(len(rows)), [row.label for row in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, 1)
    axes.grid(axis="x", color=_INK, alpha=0.12)
    return _svg(figure, alt)


def reliability(confidence: Sequence[float], right: Sequence[bool], *, alt: str, bins: int = 5) -> str:
    """Accuracy by stated confidence, in bins of equal mass; on the diagonal the bot means what it says."""
    import numpy as np

    from evals.stats import wilson

    figure, axes = _axes(4.2, 3.4)
    axes.plot([0, 1], [0, 1], color=_INK, alpha=0.3, linewidth=1)
    order = np.argsort(np.asarray(confidence), kind="stable")
    for part in np.array_split(order, bins):
        if len(part):
            sure = float(np.mean([confidence[i] for i in part]))
            hit = float(np.mean([right[i] for i in part]))
            bounds = wilson(hit, len(part))
            axes.plot([sure, sure], [bounds.low, bounds.high], color=OURS, alpha=0.5, linewidth=3)
            axes.plot([sure], [hit], "o", color=OURS, markersize=7)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="stated confidence", ylabel="right")
    return _svg(figure, alt)


def risk_curve(points: Sequence[tuple[float, float]], *, alt: str) -> str:
    """The share of wrong answers by the share of questions answered, the surest first."""
    figure, axes = _axes(4.2, 3.4)
    axes.step([0.0, *(c for c, _ in points)], [points[0][1], *(r for _, r in points)], where="pre", color=OURS)
    axes.axhline(0.05, color=_INK, alpha=0.35, linewidth=1, linestyle="--")
    axes.text(0.01, 0.055, "5% risk", color=_INK, fontsize=9, va="bottom")
    axes.set(xlim=(0, 1), ylim=(0, max(0.2, *(r for _, r in points)) * 1.05), xlabel="coverage", ylabel="wrong")
    return _svg(figure, alt)


def _axes(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure as Canvas

    figure = Canvas(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color(_INK)
    axes.tick_params(colors=_INK, length=3)
    axes.xaxis.label.set_color(_INK)
    axes.yaxis.label.set_color(_INK)
    return figure, axes


def _svg(figure: Any, alt: str) -> str:
    import matplotlib

    stream = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "whichway", "font.family": "sans-serif"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    svg = re.sub(r"font-family: [^;]*;", "", svg)
    svg = re.sub(r' id="(?:figure|axes|patch|text|line2d|xtick|ytick|matplotlib)[^"]*"', "", svg)
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)
    svg = svg.replace(_INK, "currentColor")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{alt}" class="plot" ', 1)


def drawn(width: float, height: float, draw: Callable[[Any], None], *, alt: str) -> str:
    """A plot of that size in inches, drawn by `draw` on its axes."""
    figure, axes = _axes(width, height)
    draw(axes)
    return _svg(figure, alt)
