"""``python …/monitor_analyzer``: the baseline that the environment asks for."""

import importlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).absolute().parent
# By path and not as a module: a job sees nothing of this project but the program that it runs.
sys.path = [path for path in sys.path if Path(path).absolute() != _FOLDER]
sys.path.append(str(_FOLDER.parent))
_data_quality, _dataset, _model_quality = (
    importlib.import_module(f"{_FOLDER.name}.{name}") for name in ("data_quality", "dataset", "model_quality")
)
sys.path.pop()

_SCRIPTS = ("record_preprocessor_script", "post_analytics_processor_script")


def main(environment: Mapping[str, str]) -> int:
    try:
        for name in _SCRIPTS:
            if environment.get(name):
                raise _dataset.DatasetError(f"the {name} {environment[name]} cannot run in this stand-in")
        table = _dataset.read(Path(environment["dataset_source"]), json.loads(environment["dataset_format"]))
        is_model = environment.get("analysis_type") == "MODEL_QUALITY"
        statistics, constraints = _model_quality.analyze(table, environment) if is_model else _data_quality.analyze(table)
    except KeyError as error:
        print(f"error: the environment has no {error.args[0]}", file=sys.stderr)
        return 1
    except _dataset.DatasetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    output = Path(environment.get("output_path", "/opt/ml/processing/output"))
    output.mkdir(parents=True, exist_ok=True)
    for name, content in (("statistics", statistics), ("constraints", constraints)):
        (output / f"{name}.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    print(f"{table.num_rows} rows, {table.num_columns} columns")
    return 0


sys.exit(main(os.environ))
