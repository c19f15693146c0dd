"""Scores a file of claims from end to end: customers first, then the claims in their order."""

import itertools
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fraud.errors import InputError
from fraud.scoring import customers, inputs, packages
from fraud.scoring.output import REASONS, Format, Output
from fraud.scoring.packages import Chosen
from fraud.scoring.tasks import Describe, Facts, JudgeCustomers, ScoreClaims, Scored, State
from fraud.scoring.workers import Here, Workers
from training_code.claims import schema
from training_code.serve import answers

_WORTH_PROCESSES_BYTES = 16 * 2**20


@dataclass(frozen=True, kw_only=True)
class Job:
    """``workers`` None means as many as there are CPUs, or none for little work."""

    claims: Path
    customers: Path
    out: Path
    format: Format
    model: Chosen
    has_reasons: bool
    workers: int | None


@dataclass
class Totals:
    """Claims in equal claims out; those with problems are not among the referred."""

    claims: int = 0
    referred: int = 0
    problems: int = 0

    def add(self, part: Scored) -> None:
        self.claims += part.claims
        self.referred += part.referred
        self.problems += part.problems


def run(job: Job, on_progress: Callable[[int], None]) -> tuple[Totals, Facts]:
    """Score all claims, telling how many are done; the output appears when it is whole.

    Raises:
        InputError: input that cannot be read, or a model that cannot be used.
        WorkerError: a worker died.
    """
    claims = inputs.find(job.claims, schema.Table.CLAIMS)
    known = inputs.find(job.customers, schema.Table.CUSTOMERS)
    if any(source.file.resolve() == job.out.resolve() for source in (*claims, *known)):
        raise InputError(f"--out {job.out} is one of the input files")
    has_claim_id = any(schema.CLAIM_ID in source.names for source in claims)
    columns = _columns(has_claim_id=has_claim_id, has_reasons=job.has_reasons)
    with tempfile.TemporaryDirectory(prefix="score-") as scratch, Output(job.out, job.format, columns) as output:
        model, joined = packages.unpack(job.model, Path(scratch, "model")), Path(scratch, "customers")
        total_bytes = inputs.size(claims) + inputs.size(known)
        with _workers(job.workers, total_bytes, model, joined) as pool:
            facts = _prepare(pool, known, joined)
            if job.has_reasons and not facts.can_explain:
                raise InputError(f"--reasons: a {facts.format} model scores without shares of single features, and so gives no reasons")
            totals = Totals()
            tasks = (ScoreClaims(chunk, job.format, has_claim_id, job.has_reasons) for chunk in inputs.chunks(claims, (schema.CLAIM_ID,)))
            for part in pool.map(tasks):
                totals.add(part)
                output.add(part.content)
                on_progress(totals.claims)
        output.close()
    return totals, facts


def _prepare(pool: Here | Workers, known: list[inputs.Source], folder: Path) -> Facts:
    """Load the model in one worker while the others read the customers."""
    results = pool.map(itertools.chain([Describe()], (JudgeCustomers(chunk) for chunk in inputs.chunks(known, ()))))
    facts: Facts = next(results)
    with customers.Writer(folder) as writer:
        for part in results:
            writer.add(part)
        writer.close()
    return facts


def _workers(asked: int | None, total_bytes: int, model: Path, joined: Path) -> Here | Workers:
    count = asked or (_processors() if total_bytes > _WORTH_PROCESSES_BYTES else 1)
    return Here(State(model, joined)) if count == 1 else Workers(count, model, joined)


def _processors() -> int:
    # Where a process may be bound to some of them, those count.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _columns(*, has_claim_id: bool, has_reasons: bool) -> pa.Schema:
    empty = answers.SCHEMA
    if has_claim_id:
        empty = empty.insert(1, pa.field(schema.CLAIM_ID, pa.string()))
    return empty.append(pa.field(REASONS, pa.string())) if has_reasons else empty
