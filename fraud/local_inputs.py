"""The claims and customers of a local run: the user's, checked, or generated ones."""

from pathlib import Path

from fraud.errors import InputError
from local_sagemaker import Home
from training_code.claims.schema import Table

_GENERATED_ROWS, _GENERATED_SEED = 5_000, 1


def provide(home: Home, claims: Path | None, customers: Path | None) -> dict[Table, Path]:
    """Both tables, as files or folders that exist and have the schema's columns.

    Raises:
        InputError: one of the two is not given, not there, empty, or lacks a column.
    """
    if claims is None and customers is None:
        return _generated(home)
    if claims is None or customers is None:
        given, missing = ("--claims", "--customers") if customers is None else ("--customers", "--claims")
        raise InputError(f"{given} needs {missing} too: every claim is joined to its customer")
    for option, table, path in (("--claims", Table.CLAIMS, claims), ("--customers", Table.CUSTOMERS, customers)):
        if not path.exists():
            raise InputError(f"{option}: there is no file or folder {path}")
        _check(option, table, path)
    return {Table.CLAIMS: claims, Table.CUSTOMERS: customers}


def _check(option: str, table: Table, path: Path) -> None:
    """What preprocessing would refuse at once is refused before anything is copied."""
    from training_code.preprocess import sources
    from training_code.preprocess.errors import PreprocessingError

    try:
        found = sources.find(path, table)
    except PreprocessingError as error:
        raise InputError(f"{option}: {error}") from error
    if not found:
        raise InputError(f"{option}: there are no files in {path}; expected CSV or Parquet")


def _generated(home: Home) -> dict[Table, Path]:
    folder = home.folder / "generated"
    paths = {table: folder / f"{table}.csv" for table in Table}
    if not all(path.exists() for path in paths.values()):
        from fraud import synthetic_claims

        synthetic_claims.write(rows=_GENERATED_ROWS, seed=_GENERATED_SEED, folder=folder)
    return paths
