"""Every column of a claim and of its customer: type, allowed values, encoding, feature order.

The generator, the preprocessing SQL, the endpoint's raw records, the bias
facets and the documentation derive from this module, and from nothing else.
It imports only the standard library, so that every container can carry it.

The names keep the quirks of the data they describe: ``policy_deductable`` and
the gender ``Unkown`` are spelled so in the source system, and "N/A" and
"None" are levels like any other, not missing values.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from training_code.claims.conditions import Condition, as_sql

KEY = "policy_id"
LABEL = "fraud"
CLAIM_ID = "claim_id"
"""Optional column that tells two claims of one policy apart."""


class Table(StrEnum):
    CLAIMS = "claims"
    CUSTOMERS = "customers"


class Encoding(StrEnum):
    """How a column becomes features. No encoding learns anything from the data."""

    ONE_HOT = "one-hot"
    """One 0/1 feature per level, every level kept."""
    ORDINAL = "ordinal"
    """The position of the level in the order that the schema gives."""
    NUMBER = "number"
    """The value itself."""
    NONE = "none"
    """Not a feature (the key, the label, the postal code)."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a raw table.

    ``levels`` lists the allowed values of a categorical column, in ordinal
    order where the encoding is ordinal. A numeric column has bounds instead:
    what lies outside is impossible, not merely unusual. ``unit`` is how far
    apart two values are that differ much, and ``origin`` a value in their middle,
    for algorithms that measure distances.
    """

    name: str
    table: Table
    encoding: Encoding
    levels: tuple[str, ...] = ()
    minimum: float = 0
    maximum: float = 1e9
    is_integer: bool = True
    unit: float = 1.0
    origin: float = 0.0
    description: str

    @property
    def is_categorical(self) -> bool:
        return bool(self.levels)


@dataclass(frozen=True)
class Feature:
    """One model input: a numeric or ordinal column, or one level of a one-hot column."""

    name: str
    column: Column
    level: str | None = None

    @property
    def origin(self) -> float:
        """What is subtracted from the feature before distances are measured."""
        return self.column.origin

    @property
    def unit(self) -> float:
        """What it is divided by then."""
        column = self.column
        return float(len(column.levels) - 1 if column.encoding is Encoding.ORDINAL else column.unit)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A relation between columns of a claim that every possible claim satisfies.

    ``holds`` takes the columns in the order of ``columns``: arrays, or names that become ``sql``.
    """

    name: str
    columns: tuple[str, ...]
    holds: Condition
    message: str

    @property
    def sql(self) -> str:
        return as_sql(self.holds, self.columns)


def _categorical(
    table: Table, name: str, encoding: Encoding, levels: tuple[str, ...], description: str
) -> Column:
    return Column(
        name=name, table=table, encoding=encoding, levels=levels, description=description
    )


def _number(
    table: Table,
    name: str,
    minimum: float,
    maximum: float,
    description: str,
    *,
    unit: float = 1.0,
    origin: float = 0.0,
    is_integer: bool = True,
    encoding: Encoding = Encoding.NUMBER,
) -> Column:
    return Column(
        name=name,
        table=table,
        encoding=encoding,
        minimum=minimum,
        maximum=maximum,
        unit=unit,
        origin=origin,
        is_integer=is_integer,
        description=description,
    )


_CLAIMS, _CUSTOMERS = Table.CLAIMS, Table.CUSTOMERS
_ONE_HOT, _ORDINAL = Encoding.ONE_HOT, Encoding.ORDINAL

COLUMNS: tuple[Column, ...] = (
    _number(_CLAIMS, KEY, 0, 2**53, "The policy; joins a claim to its customer", encoding=Encoding.NONE),
    _categorical(_CLAIMS, "driver_relationship", _ONE_HOT, ("Self", "Spouse", "Child", "Other", "N/A"), "Who drove"),
    _categorical(_CLAIMS, "incident_type", _ONE_HOT, ("Collision", "Break-in", "Theft"), "What happened"),
    _categorical(_CLAIMS, "collision_type", _ONE_HOT, ("Front", "Rear", "Side", "N/A"), "Where it hit; N/A unless a collision"),
    _categorical(_CLAIMS, "incident_severity", _ORDINAL, ("Minor", "Major", "Totaled"), "Damage to the vehicle"),
    _categorical(_CLAIMS, "authorities_contacted", _ONE_HOT, ("Police", "Ambulance", "Fire", "None"), "Who was called"),
    _number(_CLAIMS, "num_vehicles_involved", 1, 1000, "Vehicles in the incident", unit=3),
    _number(_CLAIMS, "num_injuries", 0, 1000, "People injured", unit=2),
    _number(_CLAIMS, "num_witnesses", 0, 1000, "Witnesses named", unit=3),
    _categorical(_CLAIMS, "police_report_available", _ORDINAL, ("No", "Yes"), "Whether a police report exists"),
    _number(_CLAIMS, "injury_claim", 0, 1e9, "Claimed for injuries, in dollars", unit=1e5, is_integer=False),
    _number(_CLAIMS, "vehicle_claim", 0, 1e9, "Claimed for the vehicle, in dollars", unit=2e4, is_integer=False),
    _number(_CLAIMS, "total_claim_amount", 0, 2e9, "Injury claim plus vehicle claim, in dollars", unit=1e5, is_integer=False),
    _number(_CLAIMS, "incident_month", 1, 12, "Month of the incident", unit=6),
    _number(_CLAIMS, "incident_day", 1, 31, "Day of the month", unit=15),
    _number(_CLAIMS, "incident_dow", 0, 6, "Day of the week", unit=3),
    _number(_CLAIMS, "incident_hour", 0, 23, "Hour of the day", unit=12),
    _number(_CLAIMS, LABEL, 0, 1, "The label: 1 for a fraudulent claim", encoding=Encoding.NONE),
    _number(_CUSTOMERS, KEY, 0, 2**53, "The policy", encoding=Encoding.NONE),
    _number(_CUSTOMERS, "customer_age", 15, 120, "Age in years", unit=25, origin=40),
    _number(_CUSTOMERS, "months_as_customer", 0, 1500, "Months since the first policy", unit=120),
    _number(_CUSTOMERS, "num_claims_past_year", 0, 1000, "Claims in the past twelve months", unit=2),
    _number(_CUSTOMERS, "num_insurers_past_5_years", 0, 1000, "Insurers in the past five years", unit=2),
    _categorical(_CUSTOMERS, "policy_state", _ONE_HOT, ("CA", "WA", "AZ", "OR", "NV", "ID"), "State of the policy"),
    _number(_CUSTOMERS, "policy_deductable", 0, 1e6, "Deductible in dollars (the source system's spelling)", unit=200, origin=900),
    _number(_CUSTOMERS, "policy_annual_premium", 0, 1e6, "Annual premium in dollars", unit=400, origin=2600),
    _categorical(_CUSTOMERS, "policy_liability", _ORDINAL, ("15/30", "25/50", "30/60", "100/200"),
                 "Liability limits, in thousands of dollars per person / per accident"),
    _number(_CUSTOMERS, "customer_zip", 0, 99999, "Postal code", encoding=Encoding.NONE),
    _categorical(_CUSTOMERS, "customer_gender", _ONE_HOT, ("Male", "Female", "Unkown", "Other"), "Gender (the source system's spelling)"),
    _categorical(_CUSTOMERS, "customer_education", _ORDINAL,
                 ("Below High School", "High School", "Associate", "Bachelor", "Advanced Degree"), "Highest degree"),
    _number(_CUSTOMERS, "auto_year", 1900, 2100, "Model year of the car", unit=8, origin=2010),
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    Rule(
        name="total",
        columns=("total_claim_amount", "injury_claim", "vehicle_claim"),
        # Half a dollar: the amounts are stored rounded to cents, their sum need not be.
        holds=lambda total, injury, vehicle: abs(total - injury - vehicle) <= 0.5,
        message="total_claim_amount is not injury_claim + vehicle_claim",
    ),
    Rule(
        name="collision",
        columns=("collision_type", "incident_type"),
        holds=lambda collision, incident: (collision == "N/A") == (incident != "Collision"),
        message="collision_type must be N/A exactly when incident_type is not Collision",
    ),
)


def columns(table: Table) -> tuple[Column, ...]:
    """The columns of one raw table, in file order."""
    return tuple(column for column in COLUMNS if column.table is table)


def feature_name(column: Column, level: str) -> str:
    """The name of a one-hot feature: ``incident_type`` + ``Break-in`` → ``incident_type_break_in``."""
    slug = re.sub(r"[^a-z0-9]+", "_", level.lower()).strip("_")
    return f"{column.name}_{slug}"


def _features() -> tuple[Feature, ...]:
    found: list[Feature] = []
    for column in COLUMNS:
        if column.encoding is Encoding.ONE_HOT:
            found += [Feature(feature_name(column, lv), column, lv) for lv in column.levels]
        elif column.encoding is not Encoding.NONE:
            found.append(Feature(column.name, column))
    return tuple(found)


FEATURES: tuple[Feature, ...] = _features()
"""Model inputs in the order that every matrix, Parquet file and request has them."""

FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)


def as_document() -> dict[str, object]:
    """The schema as JSON-ready data, for the model archive and other languages."""
    return {
        "key": KEY,
        "label": LABEL,
        "columns": [
            {
                "name": column.name,
                "table": str(column.table),
                "encoding": str(column.encoding),
                "description": column.description,
            }
            | (
                {"levels": list(column.levels)}
                if column.is_categorical
                else {
                    "minimum": column.minimum,
                    "maximum": column.maximum,
                    "type": "integer" if column.is_integer else "number",
                }
            )
            for column in COLUMNS
        ],
        "features": list(FEATURE_NAMES),
    }
