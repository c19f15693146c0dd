"""What a worker is asked to do; each task is sent to it and run there."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fraud.errors import InputError
from fraud.scoring import output
from fraud.scoring.customers import Customers, Part
from fraud.scoring.inputs import Chunk, Kind
from fraud.scoring.output import Format
from training_code import scoring
from training_code.claims import schema
from training_code.serve import answers, csv_records, encoding, handlers, json_records, records
from training_code.serve.encoding import Judged
from training_code.serve.layout import CLAIM, CUSTOMER, Layout
from training_code.serve.records import Raw

_REASONS = 3
_MIX, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)


class State:
    """What a worker keeps from task to task, made when it is first needed."""

    def __init__(self, model_folder: Path, customers_folder: Path) -> None:
        self._folders = model_folder, customers_folder
        self._model: handlers.Model | None = None
        self._customers: Customers | None = None

    @property
    def model(self) -> handlers.Model:
        if self._model is None:
            self._model = handlers.model_fn(str(self._folders[0]))
        return self._model

    @property
    def customers(self) -> Customers:
        if self._customers is None:
            self._customers = Customers(self._folders[1])
        return self._customers


class Task(ABC):
    @abstractmethod
    def run(self, state: State) -> Any: ...


@dataclass(frozen=True)
class Facts:
    """Of a model: the threshold of its package, its format, and whether it can give reasons."""

    threshold: float
    format: str
    can_explain: bool


@dataclass(frozen=True)
class Describe(Task):
    """Load the model, or fail before any claim is read."""

    def run(self, state: State) -> Facts:
        try:
            model = state.model
        except (scoring.ModelError, OSError, ValueError, KeyError) as error:
            raise InputError(f"the model cannot be loaded: {error}") from error
        return Facts(handlers.shortest(model.threshold), model.scoring.format, model.scoring.can_explain)


@dataclass(frozen=True)
class JudgeCustomers(Task):
    chunk: Chunk

    def run(self, state: State) -> Part:
        raw = _read(self.chunk, CUSTOMER)
        judged = encoding.judge(raw)
        return Part(judged, _content(raw, judged))


@dataclass(frozen=True)
class Scored:
    """A chunk's answers as they go into the output, and how many claims they are, are referred, and have a problem."""

    content: bytes
    claims: int
    referred: int
    problems: int


@dataclass(frozen=True)
class ScoreClaims(Task):
    chunk: Chunk
    format: Format
    has_claim_id: bool
    has_reasons: bool

    def run(self, state: State) -> Scored:
        raw = _read(self.chunk, CLAIM, keep=(schema.CLAIM_ID,) if self.has_claim_id else ())
        claims = state.customers.join(encoding.judge(raw))
        score, referred = handlers.decide(claims, state.model)
        found = answers.table(claims, score, referred)
        if self.has_claim_id:
            found = found.add_column(1, schema.CLAIM_ID, claims.kept.get(schema.CLAIM_ID, pa.nulls(len(claims), pa.string())))
        why = handlers.explain(claims, state.model, _REASONS) if self.has_reasons else None
        content = output.encode(found, why, self.format)
        return Scored(content, len(claims), int(np.count_nonzero(referred)), len(claims.problems))


def _read(chunk: Chunk, layout: Layout, keep: tuple[str, ...] = ()) -> Raw:
    content = chunk.read()
    match chunk.source.kind:
        case Kind.CSV:
            return csv_records.read(content, chunk.source.names, layout, keep=keep)
        case Kind.JSON_LINES:
            return json_records.read_lines(content, layout, keep=keep)
        case Kind.PARQUET:
            with pa.ipc.open_stream(content) as reader:
                return records.from_table(reader.read_all(), layout, keep=keep)


def _content(raw: Raw, judged: Judged) -> npt.NDArray[np.uint64]:
    """A hash of what each record says: customers of one policy that differ in it contradict each other."""
    found = np.zeros(raw.size, np.uint64)
    for row in [*(raw.numbers + 0.0).view(np.uint64), *raw.codes.astype(np.uint64)]:
        found = (found ^ row) * _MIX
        found ^= found >> _SHIFT
    for place, text in judged.problems.items():
        found[place] ^= np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()))
    return found
