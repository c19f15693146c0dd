"""Executions, steps and the cache in SQLite; the commit of a step is what makes it exist.

A job's outputs are moved into place after the step's record, with its list
of moves, is committed. A process that dies in between leaves the list behind,
and whoever opens the home next finishes it: outputs appear all or not at all.
"""

import fcntl
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from local_sagemaker.errors import BadInputError
from local_sagemaker.home import Home, move_into_place

_SCHEMA = """
CREATE TABLE IF NOT EXISTS executions (
    id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, definition TEXT NOT NULL, parameters TEXT NOT NULL,
    status TEXT NOT NULL, started REAL NOT NULL, ended REAL, reason TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS steps (
    execution TEXT NOT NULL REFERENCES executions, name TEXT NOT NULL, pipeline TEXT NOT NULL, type TEXT NOT NULL,
    status TEXT NOT NULL, started REAL NOT NULL, ended REAL, attempts INTEGER NOT NULL DEFAULT 0,
    cached_from TEXT, reason TEXT NOT NULL DEFAULT '', key TEXT, why TEXT NOT NULL DEFAULT '',
    properties TEXT NOT NULL DEFAULT '{}', is_published INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (execution, name));
CREATE INDEX IF NOT EXISTS steps_by_key ON steps (pipeline, name, ended);
CREATE TABLE IF NOT EXISTS moves (
    execution TEXT NOT NULL, step TEXT NOT NULL, place INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    PRIMARY KEY (execution, step, place));
CREATE TABLE IF NOT EXISTS model_packages (
    arn TEXT PRIMARY KEY, model_group TEXT NOT NULL, version INTEGER NOT NULL, status TEXT NOT NULL,
    created REAL NOT NULL, request TEXT NOT NULL, execution TEXT NOT NULL, UNIQUE (model_group, version));
CREATE TABLE IF NOT EXISTS models (name TEXT PRIMARY KEY, request TEXT NOT NULL, execution TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS collections (path TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS collected (
    path TEXT NOT NULL REFERENCES collections, model_group TEXT NOT NULL, PRIMARY KEY (path, model_group));
"""


@dataclass(frozen=True)
class Record:
    """A finished step that another run may reuse."""

    execution: str
    ended: float
    key: Mapping[str, Any]
    properties: Mapping[str, Any]


Move = tuple[Path, Path]


class History:
    """One connection a thread; every write is one transaction."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._local = threading.local()
        try:
            with self.write() as connection:
                connection.executescript(_SCHEMA)
            self._finish_the_dead()
        except sqlite3.Error as error:
            raise BadInputError(f"cannot use {home.database}: {error}; move it away to start with an empty history") from error

    def connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self._home.database, timeout=60, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = connection
        found: sqlite3.Connection = self._local.connection
        return found

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            if connection.in_transaction:
                connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def start(self, execution: str, pipeline: str, definition: Mapping[str, Any], parameters: Mapping[str, Any]) -> IO[str]:
        """Record a new execution; whoever holds the returned lock file is its living owner."""
        lock = self._home.lock(execution).open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        with self.write() as connection:
            connection.execute(
                "INSERT INTO executions (id, pipeline, definition, parameters, status, started) VALUES (?, ?, ?, ?, 'Executing', ?)",
                (execution, pipeline, json.dumps(definition), json.dumps(parameters), time.time()),
            )
        return lock

    def end(self, execution: str, status: str, reason: str = "") -> None:
        with self.write() as connection:
            connection.execute(
                "UPDATE executions SET status = ?, ended = ?, reason = ? WHERE id = ?", (status, time.time(), reason, execution)
            )

    def start_step(self, execution: str, pipeline: str, name: str, kind: str, *, key: Mapping[str, Any] | None, why: str) -> None:
        with self.write() as connection:
            connection.execute(
                "INSERT INTO steps (execution, name, pipeline, type, status, started, key, why) VALUES (?, ?, ?, ?, 'Executing', ?, ?, ?)",
                (execution, name, pipeline, kind, time.time(), _canonical(key), why),
            )

    def succeed(
        self, execution: str, name: str, properties: Mapping[str, Any], *,
        attempts: int = 0, cached_from: str | None = None, moves: Sequence[Move] = (),
    ) -> None:  # fmt: skip
        """Commit the step, then move its outputs into place."""
        with self.write() as connection:
            connection.execute(
                "UPDATE steps SET status = 'Succeeded', ended = ?, attempts = ?, cached_from = ?, properties = ?, is_published = ? "
                "WHERE execution = ? AND name = ?",
                (time.time(), attempts, cached_from, json.dumps(properties), not moves, execution, name),
            )
            connection.executemany(
                "INSERT INTO moves VALUES (?, ?, ?, ?, ?)",
                [(execution, name, place, str(source), str(target)) for place, (source, target) in enumerate(moves)],
            )
        if moves:
            self._publish(execution, name)

    def fail(self, execution: str, name: str, status: str, reason: str, attempts: int) -> None:
        with self.write() as connection:
            connection.execute(
                "UPDATE steps SET status = ?, ended = ?, reason = ?, attempts = ? WHERE execution = ? AND name = ?",
                (status, time.time(), reason, attempts, execution, name),
            )

    def candidates(self, pipeline: str, name: str) -> list[Record]:
        """Finished, published runs of a step that were not themselves reused, latest first."""
        rows = self.connection().execute(
            "SELECT execution, ended, key, properties FROM steps WHERE pipeline = ? AND name = ? AND status = 'Succeeded' "
            "AND is_published AND cached_from IS NULL AND key IS NOT NULL ORDER BY ended DESC",
            (pipeline, name),
        )
        return [Record(row["execution"], row["ended"], json.loads(row["key"]), json.loads(row["properties"])) for row in rows]

    def last_run(self, pipeline: str, name: str) -> sqlite3.Row | None:
        """The latest time that a step really ran, with the reason why it was not reused."""
        row: sqlite3.Row | None = self.connection().execute(
            "SELECT execution, started, status, why FROM steps WHERE pipeline = ? AND name = ? AND cached_from IS NULL "
            "ORDER BY started DESC LIMIT 1",
            (pipeline, name),
        ).fetchone()  # fmt: skip
        return row

    def execution(self, execution: str) -> sqlite3.Row | None:
        """Definition, parameters, status and times of one execution."""
        row: sqlite3.Row | None = self.connection().execute("SELECT * FROM executions WHERE id = ?", (execution,)).fetchone()
        return row

    def properties(self, execution: str) -> dict[str, Mapping[str, Any]]:
        """The properties of the steps that have succeeded, by step."""
        rows = self.connection().execute(
            "SELECT name, properties FROM steps WHERE execution = ? AND status = 'Succeeded'", (execution,)
        )
        return {row["name"]: json.loads(row["properties"]) for row in rows}

    def executions(self, limit: int) -> list[sqlite3.Row]:
        return list(self.connection().execute("SELECT * FROM executions ORDER BY started DESC LIMIT ?", (limit,)))

    def _publish(self, execution: str, step: str) -> None:
        moves = self.connection().execute(
            "SELECT source, target FROM moves WHERE execution = ? AND step = ? ORDER BY place", (execution, step)
        )
        for row in moves.fetchall():
            move_into_place(Path(row["source"]), Path(row["target"]))
        with self.write() as connection:
            connection.execute("DELETE FROM moves WHERE execution = ? AND step = ?", (execution, step))
            connection.execute("UPDATE steps SET is_published = 1 WHERE execution = ? AND name = ?", (execution, step))

    def _publish_or_give_up(self, execution: str, step: str) -> None:
        """An output that cannot be moved must not make the home unusable: its step counts as failed."""
        try:
            self._publish(execution, step)
        except OSError as error:
            with self.write() as connection:
                connection.execute("DELETE FROM moves WHERE execution = ? AND step = ?", (execution, step))
                connection.execute(
                    "UPDATE steps SET status = 'Failed', reason = ? WHERE execution = ? AND name = ?",
                    (f"its outputs could not be moved into place: {error}", execution, step),
                )

    def _finish_the_dead(self) -> None:
        """End executions whose process has died, and finish the moves that it had committed."""
        rows = self.connection().execute("SELECT id FROM executions WHERE status = 'Executing'").fetchall()
        for (execution,) in rows:
            with self._home.lock(execution).open("a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                steps = self.connection().execute("SELECT DISTINCT step FROM moves WHERE execution = ?", (execution,)).fetchall()
                for (step,) in steps:
                    self._publish_or_give_up(execution, step)
                with self.write() as connection:
                    reason = "the process that ran it has died"
                    connection.execute(
                        "UPDATE steps SET status = 'Stopped', reason = ? WHERE execution = ? AND status = 'Executing'", (reason, execution)
                    )
                    connection.execute(
                        "UPDATE executions SET status = 'Stopped', reason = ?, ended = ? WHERE id = ?", (reason, time.time(), execution)
                    )


def _canonical(key: Mapping[str, Any] | None) -> str | None:
    return None if key is None else json.dumps(key, sort_keys=True)
