"""``fraud score``: scores for a file of claims."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from fraud.commands.shared import DEFAULT_HOME, AsJson, HomeOption, print_json
from fraud.errors import FAILED


def score(
    claims: Annotated[Path, typer.Option(help="Claims: a file or a folder, CSV (also .gz), JSON Lines or Parquet, columns in any order.")],
    customers: Annotated[Path, typer.Option(help="Their customers: likewise; joined by policy_id.")],
    out: Annotated[Path, typer.Option(help="The file to write: .csv, .jsonl or .parquet.")],
    model: Annotated[
        str | None,
        typer.Option(help="A model package (ARN, GROUP/VERSION or version), or a package's model.tar.gz; else the latest approved one."),
    ] = None,
    reasons: Annotated[bool, typer.Option("--reasons", help="Say of each claim what its score rests on most (slower).")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; else one for each CPU where it pays.")] = None,
    format: Annotated[str | None, typer.Option(help="csv, jsonl or parquet, whatever the name of --out says.")] = None,  # noqa: A002
    home: HomeOption = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Score claims that are not decided yet, with the code that serves the endpoint.

    The output has a row for each claim, in the order of the input: policy_id
    (and claim_id, if the claims have one), score, referred (whether the score
    reaches the threshold of the model package), and the problem of a claim
    that cannot be scored. A label among the claims is ignored. A claim that
    repeats another is scored like any other.

    Examples:

      fraud score --claims claims.csv --customers customers.csv --out scores.csv

      fraud score --claims new/ --customers customers.parquet --out scores.parquet --model fraud-detection/3

      fraud score --claims claims.csv.gz --customers customers.csv --out scores.jsonl --reasons
    """
    from fraud.scoring import batch, output, packages
    from fraud.scoring.workers import WorkerError

    started = time.monotonic()
    chosen = packages.choose(home, model)
    if chosen.note and not as_json:
        print(f"note: {chosen.note}", file=sys.stderr)
    job = batch.Job(
        claims=claims, customers=customers, out=out, format=output.format_of(out, format), model=chosen, has_reasons=reasons,
        workers=workers,
    )  # fmt: skip
    is_told = sys.stderr.isatty() and not as_json
    try:
        totals, facts = batch.run(job, lambda done: _tell(done, started) if is_told else None)
    except (WorkerError, OSError) as error:
        # Of the operating system's errors those of reading are bad input already: what is left is a full disk and the like.
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(FAILED) from error
    finally:
        if is_told:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
    seconds = time.monotonic() - started
    if as_json:
        print_json(
            {"claims": totals.claims, "referred": totals.referred, "problems": totals.problems, "model": chosen.name,
             "format": facts.format, "threshold": facts.threshold, "out": str(out), "seconds": round(seconds, 3)}
        )  # fmt: skip
        return
    print(f"{totals.claims:,} claims: {totals.referred:,} referred, {totals.problems:,} with problems")
    print(f"scored with {chosen.name}, threshold {facts.threshold:g}, in {seconds:.1f} s: {out}")


def _tell(done: int, started: float) -> None:
    pace = done / max(time.monotonic() - started, 1e-9)
    print(f"\r{done:,} claims, {pace:,.0f} a second\033[K", end="", file=sys.stderr, flush=True)
