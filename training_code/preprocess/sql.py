"""The preprocessing as SQL, derived from the schema: read, judge, join, split, encode.

Every function returns statements or an expression. The encoding, which a
reviewer wants to follow, is printed by ``python -m training_code.preprocess
--print-sql``. The flow through the tables:

    files → claims, customers       typed columns, and ``problems`` ('' for a good row)
          → repeated_*              the few keys that occur more than once
          → good_claims             joined to their customers, in the order of the input
          → quarantine              every other claim, with its reasons
          → encoded                 the good claims as features
"""

from training_code.claims.schema import (
    CLAIM_ID,
    COLUMNS,
    FEATURES,
    KEY,
    LABEL,
    RULES,
    Column,
    Encoding,
    Feature,
    Table,
    columns,
)
from training_code.preprocess.sources import FILE_COLUMN, Source
from training_code.preprocess.splits import bucket, split

_SEPARATOR = "; "


def level_types() -> list[str]:
    """One ENUM per categorical column: a level is stored as a byte and printed as itself."""
    return [
        f"CREATE TYPE {column.name}_level AS ENUM ({', '.join(map(_text, column.levels))})"
        for column in COLUMNS
        if column.is_categorical
    ]


def read_table(table: Table, sources: tuple[Source, ...], rejects: str) -> str:
    """Raw files to a typed table; a value that has no meaning is NULL and named in ``problems``."""
    scans = "\nUNION ALL\n".join(_read_source(table, source, rejects) for source in sources)
    return f"CREATE TABLE {table} AS\n{scans}"


def _read_source(table: Table, source: Source, rejects: str) -> str:
    """One scan, judged row by row; the raw record is kept for bad rows only."""
    names = [column.name for column in columns(table)]
    has_claim_id = table is Table.CLAIMS and CLAIM_ID in source.header
    raw = [f"{_as_read(column)} AS raw_{column.name}" for column in columns(table)]
    if table is Table.CLAIMS:
        raw.append(f"CAST({CLAIM_ID} AS VARCHAR) AS {CLAIM_ID}" if has_claim_id else f"NULL::VARCHAR AS {CLAIM_ID}")
    typed = [f"{_typed(column)} AS {column.name}" for column in columns(table)]
    record = [f"'{column.name}': {_shown(column)}" for column in columns(table)] + [f"'{CLAIM_ID}': {CLAIM_ID}"] * has_claim_id
    kept = names + [CLAIM_ID] * (table is Table.CLAIMS)
    return f"""SELECT {", ".join(kept)},
  parse_filename({FILE_COLUMN}) AS file,
  CASE WHEN is_good THEN '' ELSE {_problems(table)} END AS problems,
  CASE WHEN NOT is_good THEN to_json({{{", ".join(record)}}})::VARCHAR END AS raw_record
FROM (
  SELECT *, {_is_good(table)} AS is_good
  FROM (
    SELECT *,
      {_lines(typed, 6)}
    FROM (
      SELECT {", ".join(raw)}, {FILE_COLUMN}
      FROM {source.scan(rejects)}
    )
  )
)"""


def _as_read(column: Column) -> str:
    # The CSV reader has parsed numbers already; a Parquet file brings types of its own.
    return f"CAST({column.name} AS VARCHAR)" if column.is_categorical else f"TRY_CAST({column.name} AS DOUBLE)"


def _typed(column: Column) -> str:
    raw = f"raw_{column.name}"
    if column.is_categorical:
        return f"TRY_CAST({raw} AS {column.name}_level)"
    if not column.is_integer:
        return raw
    # A cast alone would round 3.7 to 4.
    return f"CASE WHEN {raw} = floor({raw}) THEN TRY_CAST({raw} AS {_smallest_integer(column.maximum)}) END"


def _smallest_integer(maximum: float) -> str:
    """Narrow rows sort and join faster; every integer of the schema is at least 0."""
    widths = (("UTINYINT", 2**8), ("USMALLINT", 2**16), ("UINTEGER", 2**32))
    return next((name for name, end in widths if maximum < end), "BIGINT")


def _shown(column: Column) -> str:
    """What was read, as text; whole numbers without the decimal point that reading gave them."""
    raw = f"raw_{column.name}"
    return raw if column.is_categorical else rf"regexp_replace({raw}::VARCHAR, '\.0$', '')"


def _is_good(table: Table) -> str:
    checks = [
        f"{column.name} IS NOT NULL"
        if column.is_categorical
        else f"{column.name} BETWEEN {_number(column.minimum)} AND {_number(column.maximum)}"
        for column in columns(table)
    ]
    checks += [f"({rule.sql})" for rule in RULES] if table is Table.CLAIMS else []
    # A comparison with NULL is NULL, which must count as bad.
    return "coalesce(" + "\n        AND ".join(checks) + ", false)"


def _problems(table: Table) -> str:
    found = [_problem(column) for column in columns(table)]
    if table is Table.CLAIMS:
        found += [f"CASE WHEN NOT ({rule.sql}) THEN {_text(rule.message)} END" for rule in RULES]
    return f"concat_ws({_text(_SEPARATOR)},\n         {_lines(found, 9)})"


def _problem(column: Column) -> str:
    name, raw = column.name, f"raw_{column.name}"
    if column.is_categorical:
        allowed = _text("' is not one of " + ", ".join(column.levels))
        said = _text(f"{name} '")
        return (
            f"CASE WHEN coalesce({raw}, '') = '' THEN '{name} is missing' "
            f"WHEN {name} IS NULL THEN concat({said}, {raw}, {allowed}) END"
        )
    bounds = f"{_number(column.minimum)} and {_number(column.maximum)}"
    return (
        f"CASE WHEN {raw} IS NULL THEN '{name} is missing or not a number' "
        + f"WHEN {raw} <> floor({raw}) THEN concat('{name} ', {_shown(column)}, ' is not an integer') " * column.is_integer
        + f"WHEN {raw} NOT BETWEEN {bounds} THEN concat('{name} ', {_shown(column)}, ' is not between {bounds}') END"
    )


def swallowed_lines(table: Table, rejects: str) -> str:
    """Records that reach over a line end: a quote was opened and not closed, and what it swallowed cannot be counted."""
    return f"""SELECT parse_filename(scan.file_path), line
FROM {rejects} JOIN {rejects}_scan AS scan USING (scan_id, file_id)
WHERE contains(rtrim(csv_line, chr(10) || chr(13)), chr(10)) AND contains(ltrim(csv_line, chr(10) || chr(13)), chr(10))
UNION ALL
SELECT file, NULL FROM {table} WHERE contains(raw_record, '\\n')
LIMIT 1"""


def repeated_claims() -> list[str]:
    """The rows that repeat an earlier claim, to the letter or by ``claim_id``."""
    identity = ", ".join([*(column.name for column in columns(Table.CLAIMS)), CLAIM_ID, "raw_record"])
    return [
        # Grouping by one hash is cheap; the few groups that remain are then compared in full.
        f"""CREATE TABLE repeated_claims AS
SELECT position, 'repeats an earlier claim to the letter' AS problem
FROM (
  SELECT rowid AS position, row_number() OVER (PARTITION BY {identity} ORDER BY rowid) AS occurrence
  FROM claims
  WHERE hash({identity}) IN (SELECT hash({identity}) FROM claims GROUP BY ALL HAVING count(*) > 1)
)
WHERE occurrence > 1""",
        f"""INSERT INTO repeated_claims
SELECT position, concat('repeats the {CLAIM_ID} ', {CLAIM_ID}, ' of an earlier claim')
FROM (
  SELECT rowid AS position, {CLAIM_ID}, row_number() OVER (PARTITION BY {CLAIM_ID} ORDER BY rowid) AS occurrence
  FROM claims
  WHERE {CLAIM_ID} IS NOT NULL AND rowid NOT IN (SELECT position FROM repeated_claims)
)
WHERE occurrence > 1""",
    ]


def repeated_customers() -> str:
    """Policies with more than one customer row, and whether those rows contradict each other."""
    content = ", ".join([*(column.name for column in columns(Table.CUSTOMERS)), "raw_record"])
    return f"""CREATE TABLE repeated_customers AS
SELECT {KEY}, min(rowid) AS first_position, count(DISTINCT hash({content})) > 1 AS is_contradictory
FROM customers
WHERE {KEY} IN (SELECT {KEY} FROM customers WHERE {KEY} IS NOT NULL GROUP BY {KEY} HAVING count(*) > 1)
GROUP BY {KEY}"""


def unique_customers() -> str:
    """One row a policy: the first of several."""
    return f"""CREATE VIEW unique_customers AS
SELECT customers.*, repeated.is_contradictory
FROM customers
LEFT JOIN repeated_customers AS repeated ON repeated.{KEY} = customers.{KEY}
WHERE repeated.{KEY} IS NULL OR repeated.first_position = customers.rowid"""


def good_claims(salt: str) -> str:
    """The good claims with their good customers and their bucket; in the order of the input."""
    claim = [f"claim.{column.name}" for column in columns(Table.CLAIMS)]
    customer = [f"customer.{column.name}" for column in columns(Table.CUSTOMERS) if column.name != KEY]
    return f"""CREATE TABLE good_claims AS
SELECT claim.rowid AS position,
  {", ".join(claim)},
  {", ".join(customer)},
  ({bucket(f"claim.{KEY}", salt)})::USMALLINT AS bucket
FROM claims AS claim
JOIN unique_customers AS customer ON customer.{KEY} = claim.{KEY}
WHERE claim.problems = '' AND customer.problems = '' AND customer.is_contradictory IS NOT true
  AND claim.rowid NOT IN (SELECT position FROM repeated_claims)
ORDER BY claim.rowid"""


def prepared(validation: float, test: float) -> str:
    """The good claims, each with its split."""
    return f"CREATE VIEW prepared AS\nSELECT * EXCLUDE (bucket), {split(validation, test)} AS split FROM good_claims"


def quarantine(rejects: str) -> str:
    """Every other claim: where it stands, why it is here, and what it says.

    ``record`` counts the well-formed records of a file; for a malformed line
    it is the number of the line.
    """
    record = ", ".join(f"'{column.name}': claim.{column.name}" for column in columns(Table.CLAIMS))
    policy = f"'policy ', claim.{KEY}"
    # Bad claims are few: found first, so that everything else looks at them alone.
    return f"""CREATE TABLE quarantine AS
WITH bad AS MATERIALIZED (
  SELECT *, rowid AS position FROM claims WHERE rowid NOT IN (SELECT position FROM good_claims)
),
starts AS (
  SELECT file, min(rowid) AS first_position FROM claims WHERE file IN (SELECT DISTINCT file FROM bad) GROUP BY file
)
SELECT claim.file, claim.position - first_position + 1 AS record,
  concat_ws('{_SEPARATOR}',
    nullif(claim.problems, ''),
    repeated.problem,
    CASE WHEN claim.{KEY} IS NOT NULL AND customer.{KEY} IS NULL THEN concat({policy}, ' has no customer') END,
    CASE WHEN is_contradictory THEN concat({policy}, ' has contradictory customers') END,
    CASE WHEN customer.problems <> '' THEN concat('customer of ', {policy}, ': ', customer.problems) END
  ) AS problems,
  coalesce(claim.raw_record, to_json({{{record}}})::VARCHAR) AS raw_record
FROM bad AS claim
JOIN starts USING (file)
LEFT JOIN unique_customers AS customer ON customer.{KEY} = claim.{KEY}
LEFT JOIN repeated_claims AS repeated ON repeated.position = claim.position
UNION ALL
SELECT parse_filename(any_value(scan.file_path)), line,
  'malformed line: ' || string_agg(DISTINCT {_malformed()}, '{_SEPARATOR}' ORDER BY {_malformed()}),
  trim(any_value(csv_line), chr(13) || chr(10))
FROM {rejects} JOIN {rejects}_scan AS scan USING (scan_id, file_id)
GROUP BY scan_id, file_id, line"""


def _malformed() -> str:
    return (
        "CASE error_type WHEN 'CAST' THEN concat(column_name, ' is not a number') "
        "WHEN 'MISSING COLUMNS' THEN 'fewer values than columns' "
        "WHEN 'TOO MANY COLUMNS' THEN 'more values than columns' ELSE lower(error_type::VARCHAR) END"
    )


def encoded() -> str:
    """The features of the prepared claims, behind their key and label."""
    lines = [KEY, f"{LABEL}::UTINYINT AS {LABEL}", *map(encode, FEATURES)]
    return f"SELECT\n  {_lines(lines, 2)}\nFROM prepared"


def encode(feature: Feature) -> str:
    """One feature as SQL over the raw columns, e.g. ``(incident_type = 'Theft')::UTINYINT``."""
    column = feature.column
    if column.encoding is Encoding.ONE_HOT:
        assert feature.level is not None
        return f"({column.name} = {_text(feature.level)})::UTINYINT AS {feature.name}"
    if column.encoding is Encoding.ORDINAL:
        ranks = " ".join(f"WHEN {_text(level)} THEN {rank}" for rank, level in enumerate(column.levels))
        return f"(CASE {column.name} {ranks} END)::UTINYINT AS {feature.name}"
    return f"{column.name}::FLOAT AS {feature.name}"


def _lines(parts: list[str], indent: int) -> str:
    return (",\n" + " " * indent).join(parts)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
