"""A worker process: takes pickled tasks on standard input, gives results back on standard output.

    python -m fraud.scoring.worker MODEL_FOLDER CUSTOMERS_FOLDER
"""

import os
import pickle
import signal
import sys
import traceback
from pathlib import Path

from fraud.errors import InputError
from fraud.scoring.tasks import State, Task


def main() -> int:
    # Whoever started it decides when it ends, and stops it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    results = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library prints must not come between the results.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    state = State(Path(sys.argv[1]), Path(sys.argv[2]))
    while True:
        try:
            task: Task = pickle.load(sys.stdin.buffer)
        except EOFError:
            return 0
        pickle.dump(_run(task, state), results, pickle.HIGHEST_PROTOCOL)
        results.flush()


def _run(task: Task, state: State) -> tuple[bool, object]:
    try:
        return True, task.run(state)
    except InputError as error:
        return False, error
    except Exception as error:
        traceback.print_exc()
        return False, f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
