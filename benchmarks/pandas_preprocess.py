"""Preprocessing as one would write it in pandas at first: the measure for ours.

    python -m benchmarks.pandas_preprocess CLAIMS CUSTOMERS OUTPUT

It does the same work: quarantine of bad and repeated claims, join, encoding,
a split by hash of the policy, Parquet parts, and the statistics of the report.
"""

import json
import sys
import zlib
from pathlib import Path

import pandas as pd

from training_code.claims.schema import COLUMNS, FEATURES, KEY, LABEL, Encoding, Table, columns


def main(claims_file: str, customers_file: str, output: Path) -> None:
    claims = _read(claims_file, Table.CLAIMS)
    customers = _read(customers_file, Table.CUSTOMERS)
    repeated = claims.duplicated()
    claims, bad = claims[~repeated], claims[repeated]
    versions = customers.drop_duplicates()
    contradictory = versions[KEY][versions[KEY].duplicated(keep=False)]
    versions = versions[~versions[KEY].isin(contradictory)]
    joined = claims.merge(versions, on=KEY, how="left", indicator=True)
    good = (joined["_merge"] == "both") & joined["is_good_x"] & joined["is_good_y"]
    good &= (joined["total_claim_amount"] - joined["injury_claim"] - joined["vehicle_claim"]).abs() <= 0.5
    good &= (joined["collision_type"] == "N/A") == (joined["incident_type"] != "Collision")
    pd.concat([joined[~good], bad]).to_csv(output / "quarantine.csv", index=False)
    prepared = joined[good]
    bucket = prepared[KEY].map(lambda key: zlib.crc32(f"1:{key}".encode()) % 10_000)
    _report(prepared, output)
    encoded = _encode(prepared)
    for name, low, high in (("test", 0, 1500), ("validation", 1500, 3000), ("train", 3000, 10_000)):
        encoded[(bucket >= low) & (bucket < high)].to_parquet(output / f"{name}.parquet", index=False)


def _read(file: str, table: Table) -> pd.DataFrame:
    frame = pd.read_csv(file, keep_default_na=False)
    good = pd.Series(True, index=frame.index)
    for column in columns(table):
        values = frame[column.name]
        if column.is_categorical:
            good &= values.isin(column.levels)
        else:
            number = pd.to_numeric(values, errors="coerce")
            good &= number.between(column.minimum, column.maximum)
            if column.is_integer:
                good &= number % 1 == 0
    frame["is_good"] = good
    return frame


def _encode(prepared: pd.DataFrame) -> pd.DataFrame:
    frame = prepared[[KEY, LABEL, *dict.fromkeys(feature.column.name for feature in FEATURES)]].copy()
    one_hot = []
    for column in COLUMNS:
        if column.encoding is Encoding.ORDINAL:
            frame[column.name] = frame[column.name].map({level: rank for rank, level in enumerate(column.levels)})
        elif column.encoding is Encoding.ONE_HOT:
            frame[column.name] = pd.Categorical(frame[column.name], column.levels)
            one_hot.append(column.name)
    return pd.get_dummies(frame, columns=one_hot)


def _report(prepared: pd.DataFrame, output: Path) -> None:
    levels = {
        column.name: prepared.groupby(column.name)[LABEL].agg(["size", "sum"]).to_dict("index")
        for column in COLUMNS
        if column.is_categorical
    }
    numbers = prepared[[column.name for column in COLUMNS if not column.is_categorical and column.name != KEY]].describe()
    (output / "quality.json").write_text(json.dumps({"levels": levels, "numbers": numbers.to_dict()}, default=str))


if __name__ == "__main__":
    target = Path(sys.argv[3])
    target.mkdir(parents=True, exist_ok=True)
    main(sys.argv[1], sys.argv[2], target)
