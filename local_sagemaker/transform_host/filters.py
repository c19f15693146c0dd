"""DataProcessing: what of a record goes into the model, and what of it and the answer comes out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from .paths import Path

OUTPUT, INPUT = "SageMakerOutput", "SageMakerInput"


def kind(content_type: str) -> str:
    """``csv``, ``json``, or nothing for what cannot be filtered or joined."""
    known = {"text/csv": "csv", "application/json": "json", "application/jsonlines": "json", "application/x-jsonlines": "json"}
    return known.get(content_type.partition(";")[0].strip().lower(), "")


class Filters:
    """``is_line`` says that each record is one line, so that several can share a request and an answer."""

    def __init__(self, *, kind: str, input_filter: str, output_filter: str, join: bool, is_line: bool) -> None:
        self._is_csv = kind == "csv"
        self._input = Path(input_filter)
        self._output = Path(output_filter)
        self._join = join
        self._is_line = is_line

    def parse(self, contents: Sequence[bytes]) -> list[Any]:
        """The values of some records, or nothing where they are not needed.

        Raises:
            ValueError: a record is not what its type says.
        """
        if self._input.is_everything and not self._join:
            return []
        return self._values(contents)

    def request(self, contents: Sequence[bytes], values: Sequence[Any]) -> bytes:
        """The body of the request for some records.

        Raises:
            ValueError: a record has not what the filter selects.
        """
        if self._input.is_everything:
            return b"\n".join(contents)
        return self._written([self._input.select(value) for value in values])

    def result(self, values: Sequence[Any], answer: bytes) -> bytes:
        """What is stored for some records and their answer.

        Raises:
            ValueError: records and answers cannot be matched, parsed or filtered.
        """
        if not self._join and self._output.is_everything:
            return answer
        answers = self._answers(answer, is_one=len(values) == 1)
        if self._join and len(values) != len(answers):
            raise ValueError(f"{len(values)} records went in and {len(answers)} came out, which cannot be joined")
        joined = [self._joined(*pair) for pair in zip(values, answers, strict=True)] if self._join else answers
        return self._written(joined if self._output.is_everything else [self._output.select(value) for value in joined])

    def _answers(self, answer: bytes, *, is_one: bool) -> list[Any]:
        if not self._is_csv and (is_one or not self._is_line):
            # One document, which may spread over lines.
            try:
                return [json.loads(answer)]
            except ValueError:
                if not self._is_line:
                    raise
        return self._values([line for line in answer.splitlines() if line.strip()])

    def _values(self, contents: Sequence[bytes]) -> list[Any]:
        """JSON values, or rows of CSV with every value as text, so that it comes out as it was written."""
        if not self._is_csv:
            return [json.loads(content) for content in contents]
        # By newlines alone: text may hold other characters that Python takes for the end of a line.
        lines = [line for content in contents for line in content.decode().split("\n") if line.strip()]
        rows = list(csv.reader(lines))
        if len(rows) != len(lines):
            raise ValueError("a quote in a row of CSV is not closed on its line")
        return rows

    def _written(self, values: Sequence[Any]) -> bytes:
        if not self._is_csv:
            return b"\n".join(json.dumps(value, ensure_ascii=False).encode() for value in values)
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows(value if isinstance(value, list) else [value] for value in values)
        return stream.getvalue().removesuffix("\n").encode()

    def _joined(self, record: Any, answer: Any) -> Any:
        if self._is_csv:
            return record + answer
        return record | {OUTPUT: answer} if isinstance(record, dict) else {INPUT: record, OUTPUT: answer}
