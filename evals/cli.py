"""`whichway eval`: run, compare, gate, report, new, review, attacks, gaps, bench."""

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from evals.asking import Progress
from evals.golden import OPTION_IDS, GoldenSet, Split, load_golden
from kb.errors import UsageError, WhichwayError
from kb.settings import Settings

DATA = Path(__file__).parent / "data"
SETS = ("guide", "article", "corpus", "posts", "real", "beir", "all")

app = typer.Typer(
    name="eval",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Measure the bot: run golden questions, compare runs, gate a change.",
)

SetOption = Annotated[str, typer.Option("--set", help=f"Which questions: {', '.join(SETS)}.")]
SplitOption = Annotated[str, typer.Option(help="dev; or test, which shows figures only and notes the look.")]
LiveOption = Annotated[bool, typer.Option("--live", help="Ask the index in use, not the set's own knowledge base.")]
BaselinesOption = Annotated[bool, typer.Option(help="Also measure what one would build first.")]
LimitOption = Annotated[int | None, typer.Option(help="Only the first so many questions.", min=1)]


@app.command()
def run(
    ctx: typer.Context,
    set_name: SetOption = "guide",
    split: SplitOption = "dev",
    live: LiveOption = False,
    path: Annotated[Path | None, typer.Option(help="With --set beir: the folder; else a golden file.")] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Ask each question without its gold sections: it has to refuse.")
    ] = False,
    baselines: BaselinesOption = True,
    cached: Annotated[bool, typer.Option("--cache/--no-cache", help="Use answers kept from earlier runs.")] = True,
    limit: LimitOption = None,
    check: Annotated[bool, typer.Option("--check", help="Only list gold labels that no longer hold.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run as JSON.")] = False,
) -> None:
    """Ask the questions of a set, score the answers, record the run. Exits 0 whatever the figures are."""
    from evals import show
    from evals.suite import broken_labels, run_beir, run_left_out, run_set

    settings: Settings = ctx.obj
    if set_name == "beir":
        if path is None:
            raise UsageError("--set beir needs --path DIR, a folder in the BEIR layout")
        with _progress() as progress:
            report = run_beir(path, settings, progress=progress)
        if as_json:
            print(json.dumps({name: figure.model_dump() for name, figure in report.figures.items()}, indent=1))
        else:
            show.print_all(show.beir_tables(report))
        return
    for golden in _sets(set_name, path, settings, split=_split(split)):
        if check:
            with _progress() as progress:
                problems = broken_labels(golden, settings, progress=progress)
            print("\n".join(f"{found.case}: {found.problem}" for found in problems) or f"{golden.set}: all labels hold")
            continue
        with _progress() as progress:
            if leave_out:
                done = run_left_out(golden, settings, split=_split(split), limit=limit, progress=progress)
            else:
                done = run_set(
                    golden,
                    settings,
                    split=_split(split),
                    live=live,
                    baselines=baselines,
                    cached=cached,
                    limit=limit,
                    progress=progress,
                )
        if as_json:
            print(done.model_dump_json(indent=1))
        else:
            show.print_all(show.run_tables(done))


@app.command()
def compare(
    ctx: typer.Context,
    first: Annotated[str, typer.Argument(help="A run: its id, the beginning of one, or a file.")],
    second: Annotated[str, typer.Argument(help="The run to compare with it.")] = "latest",
    report: Annotated[Path | None, typer.Option("--report", help="Also write both as a page.", metavar="FILE")] = None,
) -> None:
    """Paired differences between two runs, with intervals; cases broken and mended."""
    from evals import show
    from evals.compare import compare as compare_runs
    from evals.report import render
    from evals.runs import load_run

    settings: Settings = ctx.obj
    before, after = load_run(first, settings.home), load_run(second, settings.home)
    found = compare_runs(before, after)
    show.print_all(show.comparison_tables(found))
    if report is not None:
        _write(report, render(after, comparison=found))


@app.command()
def gate(
    ctx: typer.Context,
    set_name: SetOption = "guide",
    run_id: Annotated[str | None, typer.Option("--run", help="Judge this run; else the set is run now.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML.", metavar="FILE")] = None,
    floors: Annotated[Path | None, typer.Option(help="Other floors than the project's.", metavar="FILE")] = None,
    baseline: Annotated[Path | None, typer.Option(help="Another baseline than the project's.", metavar="FILE")] = None,
    broken: Annotated[
        str | None, typer.Option("--break", help="Break the bot on purpose: the gate has to shut.", metavar="PART")
    ] = None,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="If it passes, make the run the baseline.")
    ] = False,
) -> None:
    """Exit 1 where a figure is below its floor, or worse than the baseline by more than the margin."""
    from evals import gate as gating
    from evals import show
    from evals.runs import load_run
    from evals.suite import run_set

    settings: Settings = ctx.obj
    limits = gating.load_floors(set_name, floors or gating.FLOORS)
    kept = baseline or gating.BASELINE
    if run_id is not None:
        found = load_run(run_id, settings.home, set_name=set_name, split="dev")
    else:
        with _progress() as progress:
            found = run_set(_golden(set_name), settings, split="dev", baselines=False, broken=broken, progress=progress)
    checks = gating.check_run(found, limits, gating.load_baseline(set_name, kept))
    show.print_all([show.check_table(checks)])
    if junit is not None:
        _write(junit, gating.junit(found, checks))
    failed = [check.name for check in checks if not check.passed]
    if failed:
        raise WhichwayError(f"the gate is shut: {'; '.join(failed)}; see: whichway eval report {found.id}")
    if update_baseline and broken is None:
        gating.store_baseline(found, kept)


@app.command()
def judge(
    ctx: typer.Context,
    run_id: Annotated[str, typer.Argument(help="A run of the dev split.")] = "latest",
) -> None:
    """Let the model of [model] judge grade a run's answers by their evidence: advice, no gate."""
    from evals import show
    from evals.judge import Judge, judge_run
    from evals.runs import load_run

    found = load_run(run_id, ctx.obj.home)
    figures = judge_run(found, Judge(ctx.obj), each=lambda case, scores: print(show.judged_line(case, scores)))
    show.print_all([show.judge_table(figures)])


@app.command()
def report(
    ctx: typer.Context,
    run_id: Annotated[str, typer.Argument(help="A run: its id, the beginning of one, or a file.")] = "latest",
    against: Annotated[str | None, typer.Option(help="Also show what moved against this run.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write the page.", metavar="FILE")] = None,
) -> None:
    """Write a run as one HTML page that opens anywhere."""
    from evals.compare import compare as compare_runs
    from evals.report import render
    from evals.runs import load_run, runs_folder

    settings: Settings = ctx.obj
    found = load_run(run_id, settings.home)
    comparison = compare_runs(load_run(against, settings.home), found) if against else None
    _write(out or runs_folder(settings.home) / found.id / "report.html", render(found, comparison=comparison))


@app.command()
def new(
    ctx: typer.Context,
    answer_id: Annotated[str | None, typer.Argument(help="One answer; else all that were judged wrong.")] = None,
    author: Annotated[str, typer.Option(help="Who adds the candidate.")] = "feedback",
) -> None:
    """Make candidates for the golden set of answers that users judged wrong."""
    from evals.suite import candidates_from_feedback

    settings: Settings = ctx.obj
    added, path = candidates_from_feedback(settings, answer_id=answer_id, author=author, date=dt.date.today())
    print(f"{added} new in {path}; label them there, then: whichway eval review")


@app.command()
def review(
    ctx: typer.Context,
    accept: Annotated[str | None, typer.Option(help="Move this candidate into the golden set.", metavar="ID")] = None,
    reject: Annotated[str | None, typer.Option(help="Drop this candidate.", metavar="ID")] = None,
    into: Annotated[
        str, typer.Option(help="The set that an accepted candidate joins: guide, article, or your own file.")
    ] = "guide",
    holes: Annotated[
        str | None, typer.Option(help="List what this run cited and nobody judged, as JSON lines.", metavar="RUN")
    ] = None,
    judge: Annotated[
        Path | None, typer.Option(help="Keep the judgements of this file of JSON lines.", metavar="FILE")
    ] = None,
) -> None:
    """Show the candidates; accept or reject one; list unjudged citations and keep their judgements."""
    from evals import candidates as waiting
    from evals import judgements
    from evals.suite import list_holes

    settings: Settings = ctx.obj
    path = waiting.candidates_file(settings.home)
    if holes is not None:
        for hole in list_holes(holes, settings):
            print(json.dumps(hole, ensure_ascii=False))
    elif judge is not None:
        if not judge.is_file():
            raise UsageError(f"no file {str(judge)!r}; make one with: whichway eval review --holes latest")
        kept = judgements.add_judgements(judgements.read_judgements(judge), judgements.FILE)
        print(f"{kept} judgements in {judgements.FILE}")
    elif accept is not None:
        case = next((found for found in waiting.load_candidates(path) if found["id"] == accept), None)
        if case is None:
            waiting.take(accept, path)
        else:
            ids = [option.id for option in settings.decision.options]
            waiting.accept_into(case, Path(into) if into.endswith(".yaml") else DATA / f"{into}.yaml", option_ids=ids)
            waiting.take(accept, path)
            print(f"{accept} is in {into.removesuffix('.yaml')}.yaml")
    elif reject is not None:
        waiting.take(reject, path)
        print(f"{reject} is dropped")
    else:
        for case in waiting.load_candidates(path):
            print(f"{case['id']}  {case['kind']:<14} {case['question'][:80]}  ({case.get('note', '')})")


@app.command()
def attacks(
    ctx: typer.Context,
    limit: Annotated[int | None, typer.Option(help="Only the first so many attacks of each kind.", min=1)] = None,
    bipia: Annotated[bool, typer.Option(help="Plant the attacks of the BIPIA benchmark too.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Plant instructions in the article and put them into questions: nothing of them may be shown or move an answer."""
    from evals import show
    from evals.attack_run import run_attacks
    from evals.attacks import load_attacks

    settings: Settings = ctx.obj
    with _progress() as progress:
        done = run_attacks(_golden("article"), load_attacks(), settings, limit=limit, bipia=bipia, progress=progress)
    if as_json:
        print(done.as_json())
    else:
        show.print_all(done.tables())


@app.command()
def gaps(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(help="At most so many lines a table.", min=1)] = 15,
) -> None:
    """Topics with thin evidence, needs that nothing documents, questions that stayed open."""
    from evals import show
    from evals.gaps import open_needs, open_questions, topic_evidence
    from kb.index import open_index

    settings: Settings = ctx.obj
    with open_index(settings) as index:
        topics = topic_evidence(index.corpus, index.options)
    answers = _stored_answers(settings)
    show.print_all(show.gap_tables(topics, open_needs(answers), open_questions(answers), limit=limit))


@app.command()
def train(
    ctx: typer.Context,
    reader: Annotated[bool, typer.Option(help="Train the question reader: an hour.")] = False,
    about: Annotated[bool, typer.Option(help="Fit what tells of which options a fact is asked.")] = False,
    assessor: Annotated[bool, typer.Option(help="Train what tells whether a statement answers: 90 minutes.")] = False,
    seeker: Annotated[bool, typer.Option(help="Train what finds the statements that a question seeks.")] = False,
    telling: Annotated[bool, typer.Option(help="Train what tells instructions from statements: 5 minutes.")] = False,
    verdict: Annotated[bool, typer.Option(help="Fit the weights of the verdict to its readings.")] = False,
    refusals: Annotated[bool, typer.Option(help="Fit the weights of refusals to its readings.")] = False,
) -> None:
    """Train the recogniser of the configured guide's topics, or the part that an option names."""
    if sum((reader, about, assessor, seeker, telling, verdict, refusals)) > 1:
        raise UsageError(
            "train one part at a time: --reader, --about, --assessor, --seeker, --telling; --verdict, --refusals"
        )
    if telling:
        from evals.telling_training import train_shipped_teller

        print(train_shipped_teller(ctx.obj, report=print))
        return
    if reader:
        from evals.training import train_question_reader

        print(train_question_reader(ctx.obj, report=print))
        return
    if about:
        from evals.training import fit_shipped_about

        print(fit_shipped_about(ctx.obj))
        return
    if assessor or seeker:
        from evals.training import train_shipped_assessor, train_shipped_seeker

        print((train_shipped_assessor if assessor else train_shipped_seeker)(ctx.obj, report=print))
        return
    if verdict or refusals:
        from evals.fitting import fit_refusals, fit_verdict_weights

        print((fit_verdict_weights if verdict else fit_refusals)(ctx.obj, report=print))
        return
    from evals.training import train_recogniser

    for line in train_recogniser(ctx.obj):
        print(line)


@app.command()
def exam(ctx: typer.Context) -> None:
    """What the question reader makes of the stories of authors whom it never read."""
    from evals.reader_exam import examine_reader

    for line in examine_reader(ctx.obj):
        print(line)


@app.command()
def bench(
    ctx: typer.Context,
    chunks: Annotated[int, typer.Option(help="Size of the index: 1000, 10000, 100000.", min=20)] = 1000,
    ingest: Annotated[int, typer.Option(help="Chunks of the ingest that is timed; 0: none.", min=0)] = 500,
    seconds: Annotated[float, typer.Option(help="How long the load lasts; 0: no server, no load.", min=0)] = 60.0,
    rate: Annotated[float, typer.Option(help="Questions a second of the open-loop load.", min=0.1)] = 8.0,
    questions: Annotated[int, typer.Option(help="How many questions are asked.", min=5)] = 100,
    baselines: BaselinesOption = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Speed, memory and disk, each figure beside its baseline in the same run; kept with a plot."""
    from evals import show
    from evals.bench import Sizes, keep, run_bench
    from evals.bench_figures import bench_table

    settings: Settings = ctx.obj
    sizes = Sizes(chunks, ingest=ingest, seconds=seconds, rate=rate, questions=questions, baselines=baselines)
    with _progress() as progress:
        done = run_bench(settings, sizes, progress=progress)
    kept = keep(done, settings.home)
    if as_json:
        print(done.as_json())
    else:
        show.print_all([bench_table(done), *(f"kept in {path}" for path in kept)])


def _sets(name: str, path: Path | None, settings: Settings, *, split: Split) -> Iterator[GoldenSet]:
    if name not in SETS:
        raise UsageError(f"no set {name!r}; known: {', '.join(SETS)}")
    ids = [option.id for option in settings.decision.options]
    if path is not None:
        yield load_golden(path, option_ids=ids)
        return
    if set(ids) != set(OPTION_IDS):
        raise UsageError(
            f"the set {name!r} is about {' and '.join(OPTION_IDS)}, and this decision is not; "
            "ask a set of your own with --path FILE --live"
        )
    for each in ("guide", "article", "corpus", "real") if name == "all" else (name,):
        try:
            golden = _golden(each)
            if name == "all" and not golden.of_split(split):
                typer.echo(f"skipped {each}: it has no {split} questions", err=True)
                continue
            yield golden
        except UsageError as problem:
            # Under `all` a set without its data is skipped, saying so; in CI that is an error.
            if name != "all" or os.environ.get("CI", "").lower() == "true":
                raise
            typer.echo(f"skipped {each}: {problem}", err=True)


def _golden(name: str) -> GoldenSet:
    if name in ("posts", "real"):
        from evals.bases import find_test_data
        from evals.real import load_posts, load_real

        return (load_real if name == "real" else load_posts)(find_test_data())
    if name in ("article", "corpus"):
        from evals.bases import find_test_data

        find_test_data()
    if name == "corpus" and not (DATA / "corpus.yaml").is_file():
        # The article's questions with 319 documents beside it: `compare` then shows what the documents drown.
        return load_golden(DATA / "article.yaml").model_copy(update={"set": "corpus", "knowledge_base": "corpus"})
    return load_golden(DATA / f"{name}.yaml")


def _split(name: str) -> Split:
    if name == "dev":
        return "dev"
    if name == "test":
        return "test"
    raise UsageError(f"no split {name!r}; known: dev, test")


def _stored_answers(settings: Settings) -> list[Any]:
    from bot.store import AnswerStore

    store = AnswerStore(settings.home)
    try:
        return [stored.answer for stored in store.recent(limit=10_000)]
    finally:
        store.close()


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)

        yield tell


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {str(path)!r}: {error.strerror or error}") from None
    print(path)
