"""``fraud data``: synthetic claims and customers."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from fraud.commands.shared import AsJson, print_json
from fraud.errors import InputError


def data(
    out: Annotated[Path, typer.Option(help="The folder to write to.")],
    rows: Annotated[int, typer.Option(min=1, help="Claims, and as many customers.")] = 5_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    format: Annotated[str, typer.Option(help="csv or parquet.")] = "csv",  # noqa: A002
    as_json: AsJson = False,
) -> None:
    """Write claims and customers that look like the real ones.

    Some 3 % of the claims are fraudulent; a good model finds them with an AUC
    of about .8, because the signal is real but noisy.

    Examples:

      fraud data --out data

      fraud data --rows 1000000 --seed 7 --format parquet --out data
    """
    from fraud import synthetic_claims

    if format not in list(synthetic_claims.Format):
        raise InputError(f"--format {format} is not one of {', '.join(synthetic_claims.Format)}")
    started = time.monotonic()
    is_long = rows > synthetic_claims.CHUNK_ROWS and sys.stderr.isatty()

    def tell(done: int) -> None:
        if is_long:
            print(f"\r{done:,} of {rows:,} claims", end="\n" if done == rows else "", file=sys.stderr, flush=True)

    try:
        paths = synthetic_claims.write(
            rows=rows, seed=seed, folder=out, file_format=synthetic_claims.Format(format), on_progress=tell
        )
    except OSError as error:
        raise InputError(f"cannot write to {out}: {error.strerror}") from error
    if as_json:
        print_json({str(table): str(path) for table, path in paths.items()} | {"rows": rows, "seed": seed})
    else:
        print(f"{rows:,} claims and customers in {time.monotonic() - started:.1f} s: {', '.join(map(str, paths.values()))}")
