"""Which model scores: a package of the local registry, or an archive."""

from dataclasses import dataclass
from pathlib import Path

from fraud.errors import InputError
from local_sagemaker import Home
from local_sagemaker.history import History
from local_sagemaker.registry import ModelPackage, Registry
from training_code import model_archive

_THRESHOLD = "review.json"


@dataclass(frozen=True)
class Chosen:
    """``source`` is an archive, or a folder with one or its content; ``note`` says what a reader might not expect."""

    name: str
    source: Path
    note: str = ""


def choose(home: Path, name: str | None) -> Chosen:
    """The package called ``name``, or the archive at that path; without a name the latest that is approved, or the latest.

    Raises:
        InputError: there is none.
    """
    if name is None:
        return _latest(home)
    path = Path(name)
    if path.exists():
        return Chosen(name, path)
    if not home.is_dir():
        raise InputError(f"--model {name}: there is no such file, and no home at {home} with packages")
    place = Home(home)
    return _of_package(place, Registry(History(place)).find(name))


def unpack(chosen: Chosen, folder: Path) -> Path:
    """The folder with the package's content, which is ``folder`` unless it lies extracted already.

    Raises:
        InputError: no archive, a damaged one, or one that is no package.
    """
    try:
        found = model_archive.unpack(chosen.source, folder)
    except FileNotFoundError:
        raise InputError(f"the model of {chosen.name} is not there: {chosen.source}") from None
    except (OSError, model_archive.ArchiveError) as error:
        raise InputError(f"the model of {chosen.name}: {error}") from error
    if not (found / _THRESHOLD).is_file():
        raise InputError(f"{chosen.source} has no {_THRESHOLD}: it is no package, whose model.tar.gz holds model, code and threshold")
    return found


def _latest(home: Path) -> Chosen:
    place = Home(home) if home.is_dir() else None
    packages = Registry(History(place)).packages() if place else []
    if not place or not packages:
        raise InputError(f"there are no model packages in {home}: `fraud run` registers one; or give --model an archive")
    approved = [package for package in packages if package.status == "Approved"]
    latest = max(approved or packages, key=lambda package: package.created)
    chosen = _of_package(place, latest)
    if approved:
        return chosen
    note = f"no model package is approved; this is the latest, which is {latest.status} (`fraud models approve` approves it)"
    return Chosen(chosen.name, chosen.source, note)


def _of_package(home: Home, package: ModelPackage) -> Chosen:
    uri = str(package.request["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    return Chosen(f"{package.group}/{package.version}", home.path(uri))
