"""Starts the worker so that a handler finds its own modules, and never one of this folder by accident."""

import importlib
import sys
from pathlib import Path

_FOLDER = Path(__file__).absolute().parent

sys.path = [path for path in sys.path if Path(path).absolute() != _FOLDER]
sys.path.append(str(_FOLDER.parent))
_worker = importlib.import_module(f"{_FOLDER.name}.worker")
sys.path.pop()

sys.exit(_worker.main(*map(Path, sys.argv[1:])))
