"""Becomes a job's process: gives it its own /opt/ml, then runs its command.

    python launcher.py PARENT_PID SPEC_JSON

SPEC: {"ml": folder, "binds": [[folder, path below /opt/ml], ...], "argv": [...], "cwd": folder}
With "ml" empty the command runs as it is. Standard library only, and started
without site packages, because it runs before every job.
"""

import ctypes
import json
import os
import signal
import sys

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_PR_SET_PDEATHSIG = 1
_OPT, _ML = "/opt", "/opt/ml"


def main() -> None:
    parent, spec = int(sys.argv[1]), json.loads(sys.argv[2])
    if spec["ml"]:
        _enter_namespace()
        _provide_ml(spec["ml"])
        for folder, path in spec["binds"]:
            os.makedirs(os.path.join(_ML, path), exist_ok=True)
            _mount(folder, os.path.join(_ML, path), None, _MS_BIND)
    if sys.platform == "linux":
        # After the namespace, which resets it. A job must not outlive the run that started it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
    os.chdir(spec["cwd"])
    try:
        os.execvp(spec["argv"][0], spec["argv"])
    except OSError as error:
        print(f"error: cannot run {spec['argv'][0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


def _enter_namespace() -> None:
    """A user namespace with this user's own id, and a mount namespace inside it."""
    user, group = os.getuid(), os.getgid()
    _check(ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER | _CLONE_NEWNS), "unshare")
    for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{file}", "w") as stream:
            stream.write(text)
    _mount("none", "/", None, _MS_REC | _MS_PRIVATE)


def _provide_ml(folder: str) -> None:
    if not os.path.isdir(_ML):
        _make_ml_possible(os.path.join(os.path.dirname(folder), "opt"))
    _mount(folder, _ML, None, _MS_BIND)


def _make_ml_possible(scratch: str) -> None:
    """/opt/ml cannot be made in a folder of root's: cover /opt with one of ours that shows the same."""
    os.makedirs(scratch, exist_ok=True)
    os.makedirs(os.path.join(scratch, "ml"), exist_ok=True)
    for name in os.listdir(_OPT):
        source, target = os.path.join(_OPT, name), os.path.join(scratch, name)
        if os.path.islink(source):
            if not os.path.lexists(target):
                os.symlink(os.readlink(source), target)
        elif os.path.isdir(source):
            os.makedirs(target, exist_ok=True)
            _mount(source, target, None, _MS_BIND | _MS_REC)
    _mount(scratch, _OPT, None, _MS_BIND | _MS_REC)


def _mount(source: str, target: str, kind: "str | None", flags: int) -> None:
    encoded = [None if text is None else text.encode() for text in (source, target, kind)]
    _check(ctypes.CDLL(None, use_errno=True).mount(*encoded, flags, None), f"mount {target}")


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        print(f"error: {what}: {os.strerror(number)}", file=sys.stderr)
        sys.exit(126)


main()
