"""Runs, comparisons and gaps as tables for the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console, RenderableType
from rich.table import Table

from evals.beir import MEASURES, BeirReport
from evals.compare import Comparison
from evals.gaps import OpenNeed, OpenQuestion, TopicEvidence
from evals.gate import Check
from evals.results import Figure, Run
from evals.scorers import Score

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "answers": ("crag", "verdict", "verdict_macro", "applies_to", "criteria", "kind", "facts", "forbidden"),
    "evidence": (
        "gold_cited",
        "gold_first",
        "citation_precision",
        "citation_grade",
        "citation_holes",
        "citations_valid",
    ),
    "refusals": (
        "refusal",
        "refusal_precision",
        "refusal_recall",
        "refusal_recall_near",
        "refusal_recall_far",
        "refusal_recall_off_topic",
        "refusal_reason",
        "answered",
    ),
    "confidence": ("brier_skill", "auroc", "ece", "coverage_at_5_risk", "coverage_at_10_risk", "aurc"),
    "stability": ("swap_flips", "paraphrase_flips", "repeatable", "latency_p50_ms", "latency_p95_ms"),
}


def run_tables(run: Run) -> list[RenderableType]:
    """A run's figures: by subject, by kind, verdicts and retrieval beside their baselines, and the confusion."""
    tables: list[RenderableType] = [
        f"[bold]{run.set}[/bold], {run.split} split: {len(run.cases)} questions, "
        f"{run.counts['scored']} scored, {run.counts['unscored']} unscored, {run.counts['errored']} errored, "
        f"{run.seconds:.1f} s. Run {run.id}"
    ]
    for title, names in _GROUPS.items():
        rows = [(name, run.figures[name]) for name in names if name in run.figures]
        rows += [
            (name, figure) for name, figure in run.figures.items() if "@" in name and name.split("@")[0] in names[:2]
            and name.split(".")[0] not in ("dense", "lexical", "fused", "tutorial", "baseline")
        ]  # fmt: skip
        if rows:
            tables.append(_figures(title, rows))
    tables += [_baselines(run), _legs(run.figures, ("ndcg@10", "recall@5", "mrr@10", "gold_first", "gold_in_5"))]
    if run.confusion:
        tables.append(_confusion(run.confusion))
    errors = [result for result in run.cases if result.state == "errored" and result.reason]
    tables += [f"[red]errored[/red] {result.case}: {result.reason}" for result in errors[:5]]
    return [table for table in tables if not isinstance(table, Table) or table.row_count]


def comparison_tables(found: Comparison) -> list[RenderableType]:
    """What moved, then the cases that turned."""
    table = Table("measure", "before", "after", "difference", "95% interval", "p (Holm)", title="compared")
    for change in found.changes:
        gap = change.difference
        colour = "green" if gap.low > 0 else "red" if gap.high < 0 else "default"
        table.add_row(
            change.measure,
            f"{change.first:.3f}",
            f"{change.second:.3f}",
            f"[{colour}]{gap.value:+.3f}[/{colour}]",
            f"{gap.low:+.3f} to {gap.high:+.3f}",
            f"{change.p_holm:.3f}",
        )
    tables: list[RenderableType] = [table]
    for title, turned in (("broken", found.broken), ("mended", found.mended)):
        if turned:
            cases = Table("case", "expected", "before", "after", title=f"{title}: {len(turned)}")
            for pair in turned:
                expected = f"refuse: {pair.second.should_refuse}" if pair.second.should_refuse else pair.second.expected
                before, after = (f"refused: {s.refused}" if s.refused else s.given for s in (pair.first, pair.second))
                cases.add_row(pair.second.case, expected, before, after)
            tables.append(cases)
    tables.append(f"{found.common} common cases; exact McNemar p = {found.p_mcnemar:.3f}")
    tables += [f"[dim]{note}[/dim]" for note in found.notes]
    return tables


def judged_line(case: str, scores: Mapping[str, Score]) -> str:
    """A case and its scores, or why there are none."""
    return f"{case}: " + ", ".join(f"{m} {s.reason if s.value is None else s.value}" for m, s in scores.items())


def judge_table(figures: Mapping[str, Figure]) -> RenderableType:
    """What a judge says of a run's answers."""
    return _figures("judge", list(figures.items()))


def check_table(checks: Sequence[Check]) -> RenderableType:
    """The gate's conditions."""
    table = Table("", "condition", "seen", title="gate")
    for check in checks:
        table.add_row("[green]ok[/green]" if check.passed else "[red]no[/red]", check.name, check.message)
    return table


def beir_tables(report: BeirReport) -> list[RenderableType]:
    """Figures a leg, and fused against the better one."""
    gap = report.fused_less_better
    return [
        _legs(report.figures, MEASURES, title=f"{report.collection}: {len(report.cases)} queries"),
        f"fused less {report.better_leg}, nDCG@10: {gap.value:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]",
    ]


def gap_tables(
    topics: Sequence[TopicEvidence], needs: Sequence[OpenNeed], questions: Sequence[OpenQuestion], *, limit: int
) -> list[RenderableType]:
    """Thin topics, then needs without evidence, then questions that stayed open."""
    tables: list[RenderableType] = []
    if topics:
        options = list(topics[0].origins)
        table = Table("topic", *options, title="origins of evidence, thinnest first")
        for evidence in topics[:limit]:
            table.add_row(evidence.topic, *(str(evidence.origins[option]) for option in options))
        tables.append(table)
    if needs:
        table = Table("need", "not documented for", "times", "asked for example", title="needs without evidence")
        for need in needs[:limit]:
            table.add_row(need.text, need.option, str(need.times), need.example)
        tables.append(table)
    if questions:
        table = Table("question", "reason", "times", title="questions that stayed open")
        for question in questions[:limit]:
            table.add_row(question.question, question.reason, str(question.times))
        tables.append(table)
    return tables


def print_all(tables: Sequence[RenderableType]) -> None:
    """Print tables to standard output, blank lines between."""
    console = Console(width=None if Console().is_terminal else 120, highlight=False)
    for table in tables:
        console.print(table)


def _figures(title: str, rows: Sequence[tuple[str, Figure]]) -> Table:
    table = Table(title, "value", "95% interval", "n", title_justify="left")
    for name, figure in rows:
        value = f"{figure.value:.0f}" if name.endswith("_ms") else f"{figure.value:.3f}"
        table.add_row(name, value, _range(figure), str(figure.n))
    return table


def _baselines(run: Run) -> Table:
    table = Table("verdict", "right", "95% interval", "macro", "n")
    systems = {"whichway": "verdict"} | {name: f"baseline.{name}.verdict" for name in ("vote", "keywords", "majority")}
    for label, name in systems.items():
        if name in run.figures:
            figure, macro = run.figures[name], run.figures.get(f"{name}_macro")
            table.add_row(
                label, f"{figure.value:.3f}", _range(figure), f"{macro.value:.3f}" if macro else "", str(figure.n)
            )
    return table


def _legs(figures: Mapping[str, Figure], measures: Sequence[str], *, title: str | None = None) -> Table:
    table = Table("leg", *measures, title=title)
    for leg in ("fused", "dense", "lexical", "tutorial"):
        cells = [figures.get(f"{leg}.{measure}") for measure in measures]
        if any(cells):
            table.add_row(leg, *(f"{cell.value:.3f} [dim]{_range(cell)}[/dim]" if cell else "" for cell in cells))
    return table


def _confusion(confusion: Mapping[str, Mapping[str, int]]) -> Table:
    columns = sorted({given for row in confusion.values() for given in row})
    table = Table("expected \\ given", *columns)
    for expected, row in confusion.items():
        table.add_row(expected, *(str(row.get(column, "·")) for column in columns))
    return table


def _range(figure: Figure) -> str:
    return "" if figure.low is None or figure.high is None else f"{figure.low:.3f} to {figure.high:.3f}"
