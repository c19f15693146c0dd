"""The wheels that preprocessing ships, as one archive: fetched by set-up, checked against their hashes here."""

import functools
import hashlib
import re
from pathlib import Path

from pipeline_definition.code_archives import ROOT, Archive, zipped
from pipeline_definition.errors import DefinitionError

LOCK = ROOT / "training_code" / "preprocess" / "wheelhouse.txt"
FOLDER = ROOT / ".wheelhouse"


@functools.cache
def build(folder: Path = FOLDER, lock: Path = LOCK) -> Archive:
    """The archive; its bytes follow from the wheels alone.

    Raises:
        DefinitionError: a wheel is missing, or one is not what the lock file says.
    """
    wanted = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", lock.read_text()))
    wheels = {file.name: file.read_bytes() for file in sorted(folder.glob("*.whl"))}
    found = {hashlib.sha256(content).hexdigest(): name for name, content in wheels.items()}
    if strange := sorted(name for digest, name in found.items() if digest not in wanted):
        raise DefinitionError(f"{folder}: {', '.join(strange)} is not what {lock.name} names; remove it and run `make setup`")
    if len(found) < len(wanted):
        raise DefinitionError(f"{folder} lacks wheels that {lock.name} names: run `make setup`")
    # Wheels are compressed already.
    return Archive("wheelhouse.zip", zipped(wheels, compress=False))
