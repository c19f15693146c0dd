"""The dataset as columns, by name or place."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from training_code.clarify.config import Column, Config
from training_code.clarify.errors import ConfigError

_SUFFIX = {"csv": ".csv", "parquet": ".parquet"}

Values = npt.NDArray[Any]


class Dataset:
    """A table; numbers come as arrays of numbers (missing ones as NaN), all else as arrays of objects."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.names: list[str] = table.column_names

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __getitem__(self, name: str) -> Values:
        values: Values = self.table[name].to_numpy()
        return values

    def name(self, column: Column | None, role: str) -> str:
        """The name of a column that is given by name or by place; raises ConfigError: there is none."""
        if isinstance(column, int) and 0 <= column < len(self.names):
            return self.names[column]
        if isinstance(column, str) and column in self.names:
            return column
        raise ConfigError(f"{role}: the dataset has no column {column!r}; it has {', '.join(self.names[:60])}")


def read(config: Config, source: Path) -> Dataset:
    """All files of the dataset, in the order of their names, with the predictions joined where they lie apart.

    Raises ConfigError: nothing there, not of that format, or predictions that do not fit.
    """
    main = Dataset(_table(config.dataset or source, config.format, config.headers))
    if config.predictions is None or not config.after:
        return main
    predictions = Dataset(_table(config.predictions, "csv", config.predictions_headers))
    wanted = predictions.name(config.predicted, "predicted_label")
    rows = np.arange(len(main))
    if config.identifier is not None:
        rows = _matches(main[main.name(config.identifier, "joinsource_name_or_index")],
                        predictions[predictions.name(config.identifier, "joinsource_name_or_index of the predictions")])  # fmt: skip
    elif len(predictions) != len(main):
        raise ConfigError(f"{len(predictions)} predictions for {len(main)} records; name an identifier as joinsource_name_or_index")
    table = main.table.drop_columns([wanted]) if wanted in main.names else main.table
    return Dataset(table.append_column(wanted, predictions.table[wanted].take(pa.array(rows))))


def _matches(keys: Values, of_predictions: Values) -> npt.NDArray[np.intp]:
    """The row of the prediction for each record."""
    order = np.argsort(of_predictions, kind="stable")
    place = np.minimum(np.searchsorted(of_predictions[order], keys), len(order) - 1)
    rows: npt.NDArray[np.intp] = order[place]
    if len(np.unique(of_predictions)) < len(of_predictions):
        raise ConfigError("the identifiers of the predictions (joinsource_name_or_index) are not unique")
    if lost := int((of_predictions[rows] != keys).sum()):
        raise ConfigError(f"{lost} of {len(keys)} records have no prediction under their identifier (joinsource_name_or_index)")
    return rows


def _table(source: Path, form: str, headers: Sequence[str] | None) -> pa.Table:
    files = [source] if source.is_file() else sorted(file for file in source.rglob("*") if file.is_file())
    # The service may lay other files beside the data, such as the manifest of a prefix.
    files = [file for file in files if file.suffix == _SUFFIX[form]] or files
    if not files:
        raise ConfigError(f"no files at {source}")
    try:
        table = pa.concat_tables([pq.read_table(file) if form == "parquet" else _csv(file, headers) for file in files])
    except (pa.ArrowInvalid, ValueError, OSError) as error:
        raise ConfigError(f"{source} cannot be read as {form}: {error}") from None
    if headers is not None:
        if len(headers) != table.num_columns:
            raise ConfigError(f"headers: {len(headers)} names for {table.num_columns} columns")
        table = table.rename_columns(list(headers))
    if not table.num_rows:
        raise ConfigError(f"no records at {source}")
    return table


def _csv(file: Path, headers: Sequence[str] | None) -> pa.Table:
    """With names from the configuration or from the first line; without either, columns are numbered, as in Clarify."""
    with file.open(newline="", encoding="utf-8-sig") as stream:
        first = next(csv.reader(stream), [])
    has_names = first == list(headers or ()) or (headers is None and not any(map(_is_number, first)))
    names = first if has_names else [f"column_{place}" for place in range(len(first))]
    return pyarrow.csv.read_csv(
        file,
        read_options=pyarrow.csv.ReadOptions(column_names=names, skip_rows=int(has_names)),
        # "N/A" and "None" may be values.
        convert_options=pyarrow.csv.ConvertOptions(null_values=[""]),
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
