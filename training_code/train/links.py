"""Connections between the first host and each other one, by which hosts meet and notice that one is gone.

XGBoost's own exchange connects once and reports a lost peer by an error deep in
some operation, or not before its timeout. These connections carry nothing
while all is well; when a process ends, its operating system closes them at
once, and when a machine vanishes, probes that stay unanswered do so within
15 seconds. They also let hosts start minutes apart.
"""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from training_code.train.cluster import ClusterError, Hosts

_PORTS = range(12_000, 30_000)
"""Below those that systems hand out by themselves."""
_PROBES = {"TCP_KEEPIDLE": 6, "TCP_KEEPINTVL": 3, "TCP_KEEPCNT": 3}
_RETRY_SECONDS = 0.1
_BYE = {"bye": True}

OnLost = Callable[[str, str], None]
"""Called in a thread of its own with the name of the host that is gone, and the cause if it said one."""


class Links:
    """This host's connections: the first host has one to every other, each other one to the first."""

    def __init__(self, peers: Mapping[str, socket.socket], on_lost: OnLost) -> None:
        self._peers, self._on_lost = peers, on_lost
        self._threads = [threading.Thread(target=self._watch, args=pair, daemon=True) for pair in peers.items()]

    def watch(self) -> None:
        for thread in self._threads:
            thread.start()

    def tell(self, message: Mapping[str, Any]) -> None:
        for peer in self._peers.values():
            try:
                _send(peer, message)
            except OSError:
                continue

    def leave(self) -> None:
        """Say that this host is done: its end is no loss."""
        self.tell(_BYE)

    def _watch(self, name: str, peer: socket.socket) -> None:
        try:
            message = _receive(peer)
        except OSError:
            message = {}
        if message != _BYE:
            self._on_lost(str(message.get("lost", name)), str(message.get("cause", "")))


def first_host(hosts: Hosts, on_lost: OnLost, *, seconds: float) -> tuple[Links, str]:
    """Wait for all other hosts; returns the links, and the address under which the others see this host.

    Raises:
        ClusterError: some did not come within ``seconds``, or the port is taken.
    """
    deadline = time.monotonic() + seconds
    address, port = _address(hosts, deadline), _port(hosts.job)
    peers: dict[str, socket.socket] = {}
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))
        except OSError as error:
            raise ClusterError(f"port {port} of {address}, where the hosts of this job meet, is not free: {error}") from None
        listener.listen()
        while missing := set(hosts.names[1:]) - set(peers):
            listener.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                peer, _ = listener.accept()
                peer.settimeout(10)
                hello = _receive(peer)
            except TimeoutError:
                raise ClusterError(f"{', '.join(sorted(missing))} did not come within {seconds:g} seconds; see the logs there") from None
            except OSError:
                continue
            if hello.get("job") == hosts.job and hello.get("host") in missing:
                _keep(peer)
                peers[hello["host"]] = peer
            else:
                peer.close()
    return Links(peers, on_lost), address


def other_host(hosts: Hosts, on_lost: OnLost, *, seconds: float) -> tuple[Links, dict[str, Any]]:
    """Go to the first host, which may not be up yet; returns the link, and what the first host tells once all are there.

    Raises:
        ClusterError: the first host was not found within ``seconds``, or gave up.
    """
    deadline = time.monotonic() + seconds
    first = hosts.names[0]
    address, port = _address(hosts, deadline), _port(hosts.job)
    while True:
        try:
            peer = socket.create_connection((address, port), timeout=10)
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise ClusterError(f"{first} did not answer at {address}:{port} within {seconds:g} seconds: {error}") from None
            time.sleep(_RETRY_SECONDS)
    _keep(peer)
    try:
        _send(peer, {"job": hosts.job, "host": hosts.own})
        told = _receive(peer)
    except OSError:
        told = {}
    if "tracker" not in told:
        raise ClusterError(f"{first} gave up before all hosts had come, or what listens at {address}:{port} is another job; see its log")
    return Links({first: peer}, on_lost), told


def _address(hosts: Hosts, deadline: float) -> str:
    """The first host's address. Names of hosts that are still starting may not be known yet."""
    if hosts.is_local:
        return "127.0.0.1"
    while True:
        try:
            return socket.gethostbyname(hosts.names[0])
        except OSError as error:
            if time.monotonic() > deadline:
                raise ClusterError(f"the name of {hosts.names[0]} has no address: {error}") from None
            time.sleep(_RETRY_SECONDS)


def _port(job: str) -> int:
    """The same on all hosts of a job; jobs side by side on one machine have others."""
    return _PORTS[int.from_bytes(hashlib.sha256(job.encode()).digest()[:4]) % len(_PORTS)]


def _keep(peer: socket.socket) -> None:
    """Without a time limit, but with probes that notice a machine that is gone."""
    peer.settimeout(None)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PROBES.items():
        if hasattr(socket, name):
            peer.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _send(peer: socket.socket, message: Mapping[str, Any]) -> None:
    peer.sendall(json.dumps(message).encode() + b"\n")


def _receive(peer: socket.socket) -> dict[str, Any]:
    """One line; nothing of it where the connection was closed or the line is none of ours."""
    line = bytearray()
    while not line.endswith(b"\n"):
        found = peer.recv(1)
        if not found or len(line) > 4096:
            return {}
        line += found
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
