"""Starts the server: ``python -m tests.deployment.emulated_account PORT``, on loopback only."""

import sys

from moto.server import main as serve

from tests.deployment.emulated_account import calls, cloudformation, functions, keys, network, registry, storage, unsupported


def main(port: int) -> None:
    calls.set_port(port)
    for part in (cloudformation, keys, network, storage, registry, functions, unsupported):
        part.install()
    serve(["-H", "127.0.0.1", "-p", str(port)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
