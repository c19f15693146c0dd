"""The schema against the real data that it describes."""

from collections import Counter

from tests.support.claims import Tables, read
from training_code.claims import schema


def test_every_real_value_is_allowed(real: Tables) -> None:
    for table, file in ((schema.Table.CLAIMS, real.claims), (schema.Table.CUSTOMERS, real.customers)):
        rows = read(file)
        assert list(rows[0]) == [column.name for column in schema.columns(table)]
        for column in schema.columns(table):
            values = {row[column.name] for row in rows}
            if column.is_categorical:
                assert values == set(column.levels), column.name
            else:
                assert all(column.minimum <= float(value) <= column.maximum for value in values), column.name


def test_ordinal_levels_are_in_their_order() -> None:
    found = {column.name: column.levels for column in schema.COLUMNS if column.encoding is schema.Encoding.ORDINAL}
    assert found == {
        "incident_severity": ("Minor", "Major", "Totaled"),
        "police_report_available": ("No", "Yes"),
        "policy_liability": ("15/30", "25/50", "30/60", "100/200"),
        "customer_education": ("Below High School", "High School", "Associate", "Bachelor", "Advanced Degree"),
    }


def test_feature_names_are_unique_and_keep_every_level() -> None:
    assert len(set(schema.FEATURE_NAMES)) == len(schema.FEATURE_NAMES)
    levels = Counter(feature.column.name for feature in schema.FEATURES if feature.level)
    for column in schema.COLUMNS:
        if column.encoding is schema.Encoding.ONE_HOT:
            assert levels[column.name] == len(column.levels)


def test_key_label_and_postal_code_are_no_features() -> None:
    assert not {schema.KEY, schema.LABEL, "customer_zip"} & {feature.column.name for feature in schema.FEATURES}


def test_the_document_names_every_column_and_feature() -> None:
    document = schema.as_document()
    assert document["features"] == list(schema.FEATURE_NAMES)
    columns = document["columns"]
    assert isinstance(columns, list)
    assert len(columns) == len(schema.COLUMNS)
