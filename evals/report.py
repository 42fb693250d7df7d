"""One self-contained HTML page of a run, offline: what was measured, beside what, and every dev case."""

import json
from pathlib import Path
from typing import Any

from evals import calibration, plots
from evals.compare import Comparison
from evals.figures import LOWER_IS_BETTER
from evals.results import CaseResult, Figure, Run

TEMPLATES = Path(__file__).parent / "templates"
QUOTE_CHARACTERS = 500

HEADLINES = (
    ("verdict", "Right verdict", "the expected choice, or one that an expert would let pass"),
    ("verdict@mixed", "Right on mixed scenarios", "needs that pull towards both platforms"),
    ("gold_cited", "Cites the right section", "a gold section among at most six citations"),
    ("citation_precision", "Citation precision", "cited sections that support or answer, of those judged"),
    ("citation_grade", "Citation grade", "mean grade of the cited sections that are judged, of the best"),
    ("refusal_recall", "Refuses what it cannot know", "of the unanswerable questions"),
    ("refusal_precision", "Refusals that are right", "of all refusals"),
    ("swap_flips", "Flips when options are swapped", '"A or B?" against "B or A?"'),
    ("latency_p95_ms", "95% of answers within (ms)", "two at a time on this machine"),
)
VERDICT_ROWS = (
    ("whichway", "verdict", True),
    ("vote of six sentences", "baseline.vote.verdict", False),
    ("keywords", "baseline.keywords.verdict", False),
    ("always the majority", "baseline.majority.verdict", False),
)
LEGS = (
    ("whichway (cited)", "gold_cited", True),
    ("fused, top 5", "fused.gold_in_5", True),
    ("dense alone, top 5", "dense.gold_in_5", False),
    ("words alone, top 5", "lexical.gold_in_5", False),
    ("tutorial pipeline, top 4", "tutorial.gold_in_5", False),
)
RANKS = (
    ("fused", "fused.ndcg@10", True),
    ("dense alone", "dense.ndcg@10", False),
    ("words alone", "lexical.ndcg@10", False),
    ("tutorial pipeline", "tutorial.ndcg@10", False),
)


def render(run: Run, *, comparison: Comparison | None = None) -> str:
    """The page of a run; with `comparison`, also what moved against another run."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"share": _share, "interval": _interval, "number": _number}
    return environment.get_template("report.html").render(
        run=run,
        summary=_summary(run),
        headlines=[(title, run.figures[name], what, name) for name, title, what in HEADLINES if name in run.figures],
        plots=_plots(run),
        slices=_slices(run),
        confusion=_confusion(run),
        figures=sorted(run.figures.items()),
        cases=[_case(result) for result in run.cases] if run.split == "dev" else [],
        kinds=sorted({result.kind for result in run.cases}),
        comparison=comparison,
        lower=LOWER_IS_BETTER,
        made_by=json.dumps(run.made_by, indent=1, sort_keys=True, default=str),
    )


def _summary(run: Run) -> str:
    """The run in two sentences for somebody who reads no table."""
    parts = []
    verdict = run.figures.get("verdict")
    simple = [run.figures[name].value for label, name, ours in VERDICT_ROWS if not ours and name in run.figures]
    if verdict is not None:
        against = f", where the best simple rule gives {_share(max(simple))}" if simple else ""
        parts.append(f"The verdict is right for {_share(verdict.value)} of {verdict.n} questions{against}.")
    refused, precision = run.figures.get("refusal_recall"), run.figures.get("refusal_precision")
    if refused is not None and precision is not None:
        parts.append(
            f"Of what the sources cannot answer it refuses {_share(refused.value)}, "
            f"and {_share(precision.value)} of its refusals are right."
        )
    return " ".join(parts)


def _plots(run: Run) -> list[dict[str, str]]:
    found = []
    for title, note, rows in (
        ("Verdicts", "Share of right verdicts, with 95% intervals.", VERDICT_ROWS),
        ("Finding the ground", "Questions with a gold section among the first results, with 95% intervals.", LEGS),
        ("Ranking", "nDCG@10 of the gold sections, with 95% intervals.", RANKS),
    ):
        lines = [plots.Row(label, run.figures[name], ours) for label, name, ours in rows if name in run.figures]
        if lines:
            found.append({"title": title, "note": note, "svg": plots.intervals(lines, alt=title)})
    chosen = [r for r in run.cases if "verdict" in r.scores and r.confidence is not None]
    if len(chosen) >= 10:
        sure, right = [r.confidence or 0.0 for r in chosen], [bool(r.scores["verdict"]) for r in chosen]
        points = [(p.coverage, p.risk) for p in calibration.risk_coverage(sure, right)]
        found.append(
            {
                "title": "Does the confidence mean anything?",
                "note": "Five bins of equal size; on the line, 80% sure is right 80% of the time.",
                "svg": plots.reliability(sure, right, alt="accuracy by stated confidence"),
            }
        )
        found.append(
            {
                "title": "Risk by coverage",
                "note": "Answering only the surest questions: how many of the answers are wrong.",
                "svg": plots.risk_curve(points, alt="share of wrong verdicts by coverage"),
            }
        )
    return found


def _slices(run: Run) -> list[dict[str, Any]]:
    measures = ("crag", "verdict", "gold_cited", "gold_first", "refusal")
    kinds = sorted({result.kind for result in run.cases})
    return [
        {
            "kind": kind,
            "n": sum(result.kind == kind for result in run.cases),
            "figures": [run.figures.get(f"{measure}@{kind}") for measure in measures],
        }
        for kind in kinds
    ]


def _confusion(run: Run) -> dict[str, Any]:
    columns = sorted({given for row in run.confusion.values() for given in row})
    rows = [
        {"expected": expected, "cells": [row.get(column, 0) for column in columns], "n": sum(row.values())}
        for expected, row in run.confusion.items()
    ]
    return {"columns": columns, "rows": rows}


def _case(result: CaseResult) -> dict[str, Any]:
    answer = result.answer
    cited = answer.citations if answer else ()
    return {
        "result": result,
        "golden": result.golden,
        "outcome": "errored"
        if result.state == "errored"
        else "passed"
        if result.passed
        else "unscored"
        if result.state == "unscored"
        else "failed",
        "answer": answer,
        "citations": [
            {
                "n": citation.n,
                "where": " > ".join((citation.title, *citation.section)),
                "url": citation.url if citation.url.startswith(("https://", "http://")) else "",
                "quote": _short(citation.quote),
            }
            for citation in cited
        ],
        "search": " ".join([result.case, result.family, result.golden.question if result.golden else ""]).casefold(),
    }


def _short(text: str) -> str:
    return text if len(text) <= QUOTE_CHARACTERS else text[:QUOTE_CHARACTERS].rstrip() + " …"


def _share(value: float) -> str:
    return f"{100 * value:.0f}%"


def _number(figure: Figure | None, name: str = "") -> str:
    if figure is None:
        return "–"
    if name.endswith("_ms"):
        return f"{figure.value:.0f}"
    return f"{figure.value:.2f}"


def _interval(figure: Figure | None) -> str:
    if figure is None or figure.low is None or figure.high is None:
        return ""
    return f"{figure.low:.2f} to {figure.high:.2f}"
