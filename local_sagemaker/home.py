"""The folder that holds everything of the local SageMaker.

    s3/BUCKET/KEY        objects
    history.sqlite       executions, steps, cache, registry
    jobs/EXECUTION/STEP  working folders and logs of jobs
    executions/ID.lock   held by the process that runs the execution
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from local_sagemaker.errors import BadInputError, StepFailedError


class Home:
    """Paths below the home folder, and S3 as folders."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        try:
            for name in ("s3", "jobs", "executions"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInputError(f"cannot use {folder} as home: {error.strerror}") from error

    @property
    def database(self) -> Path:
        return self.folder / "history.sqlite"

    def lock(self, execution: str) -> Path:
        return self.folder / "executions" / f"{execution}.lock"

    def job(self, execution: str, step: str) -> Path:
        return self.folder / "jobs" / execution / step

    def path(self, uri: str) -> Path:
        """Where the object or prefix ``uri`` lies.

        Raises:
            StepFailedError: the URI is none, or points out of the home folder.
        """
        if uri.startswith("file://"):
            return Path(uri.removeprefix("file://"))
        if not uri.startswith("s3://") or not (rest := uri.removeprefix("s3://").strip("/")):
            raise StepFailedError(f"{uri!r} is no S3 URI")
        if ".." in rest.split("/"):
            raise StepFailedError(f"{uri!r} leads out of its bucket")
        return self.folder / "s3" / rest

    def exists(self, uri: str) -> bool:
        """Whether any object has ``uri`` as its prefix."""
        return next(self.objects(uri), None) is not None

    def objects(self, uri: str) -> Iterator[tuple[str, Path]]:
        """The objects of a prefix as (key below the prefix, file), sorted by key.

        As in S3, a prefix need not end at a slash: ``…/claims`` is also the
        prefix of ``…/claims.csv``.
        """
        path = self.path(uri)
        if path.is_file():
            yield path.name, path
        elif path.is_dir():
            for file in sorted(entry for entry in path.rglob("*") if entry.is_file()):
                yield file.relative_to(path).as_posix(), file
        elif not uri.endswith("/") and path.parent.is_dir():
            for sibling in sorted(path.parent.glob(f"{path.name}*")):
                for file in [sibling] if sibling.is_file() else sorted(sibling.rglob("*")):
                    if file.is_file():
                        yield file.relative_to(path.parent).as_posix(), file

    def download(self, uri: str, target: Path, *, share: tuple[int, int] = (0, 1)) -> int:
        """Copy the objects of a prefix into ``target`` and return how many there are in all.

        ``share`` is (instance, instances): which of them this instance gets.
        Copies, and not links: a script may write into its inputs.

        Raises:
            StepFailedError: the prefix has no objects.
        """
        target.mkdir(parents=True, exist_ok=True)
        objects = list(self.objects(uri))
        if not objects:
            raise StepFailedError(f"there are no objects at {uri} (locally {self.path(uri)})")
        for number, (key, file) in enumerate(objects):
            if number % share[1] == share[0]:
                copy = target / key
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
        return len(objects)


def move_into_place(source: Path, target: Path) -> None:
    """Make ``source`` appear at ``target``; done twice, or after a part was done, it ends the same.

    A folder that is already there keeps its other files, as a prefix would;
    where a file and a folder have one name, the later wins, as S3 has no such conflict.
    """
    if not source.exists():
        return
    for parent in target.parents:
        if parent.is_file():
            parent.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_file():
        if target.is_dir():
            shutil.rmtree(target)
        source.replace(target)
    elif not target.is_dir():
        target.unlink(missing_ok=True)
        source.rename(target)
    else:
        for file in sorted(entry for entry in source.rglob("*") if entry.is_file()):
            move_into_place(file, target / file.relative_to(source))
        shutil.rmtree(source)
