"""Programs that live exactly as long as a `with` block."""

import contextlib
import ctypes
import functools
import os
import secrets
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.accounts import Account
from local.errors import RigError

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"  # for programs that inherit nothing

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, prctl(2)
_LONGEST_PAUSE_SECONDS = 0.5
_TAIL_LINES = 30
_PORTS = range(15_000, 32_000)
# A process that is forked while a port is probed has that port, too, until it becomes another program.
_ONE_FORKS_OR_PROBES = threading.Lock()


@dataclass(frozen=True)
class Program:
    """What to run.

    Attributes:
        name: For messages, and of the two files its output goes to.
        command: The program and its arguments.
        environment: All of it; nothing is inherited.
        logs: Folder for `<name>.out` and `<name>.err`.
        account: Whom to run as; None is ourselves.
        working_folder: None is ours.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    logs: Path
    account: Account | None = None
    working_folder: Path | None = None

    @property
    def output(self) -> Path:
        """What it writes to standard output."""
        return self.logs / f"{self.name}.out"

    @property
    def errors(self) -> Path:
        """What it writes to standard error."""
        return self.logs / f"{self.name}.err"


@dataclass(frozen=True)
class Child:
    """A running program."""

    program: Program
    process: "subprocess.Popen[bytes]"

    def tail(self) -> str:
        """The last lines it wrote, first of standard output, then of standard error."""
        texts = (path.read_text("utf-8", "replace") for path in (self.program.output, self.program.errors))
        return "\n".join("\n".join(text.splitlines()[-_TAIL_LINES:]) for text in texts).strip()

    def wait_until(self, ready: Callable[[], bool], seconds: float, while_waiting: Callable[[float], None]) -> None:
        """Wait for a program to be of use.

        Args:
            ready: Called again and again.
            seconds: How long to wait at most.
            while_waiting: Called with the seconds passed, after each refusal.

        Raises:
            RigError: It ended, or was not ready in time; with the tail of what it wrote.
        """
        start = time.monotonic()
        while not ready():
            passed = time.monotonic() - start
            if self.process.poll() is not None:
                raise RigError(f"{self.program.name} ended with status {self.process.returncode}:\n{self.tail()}")
            if passed > seconds:
                raise RigError(f"{self.program.name} was not ready after {seconds:.0f} s:\n{self.tail()}")
            while_waiting(passed)
            time.sleep(min(0.02 + passed / 20, _LONGEST_PAUSE_SECONDS))  # asking is not free for the asked


@contextmanager
def running(program: Program, stop_seconds: float = 20) -> Iterator[Child]:
    """Run a program until the block ends, however it ends.

    It has a process group of its own, so that Ctrl-C at a terminal reaches it through us and in our order. Should we be
    killed outright, the kernel sends it SIGTERM.

    Args:
        program: What to run.
        stop_seconds: How long it may take to end after SIGTERM; SIGKILL follows.

    Raises:
        RigError: It cannot be started.
    """
    with program.output.open("wb") as output, program.errors.open("wb") as errors:
        child = Child(program, _start(program, output.fileno(), errors.fileno()))
    try:
        yield child
    finally:
        _stop(child.process, stop_seconds)


def _start(program: Program, output: int, errors: int) -> "subprocess.Popen[bytes]":
    account = program.account
    try:
        with _ONE_FORKS_OR_PROBES:
            return subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=dict(program.environment),
                cwd=program.working_folder,
                user=account.user_id if account else None,
                group=account.group_id if account else None,
                extra_groups=[] if account else None,
                process_group=0,
                preexec_fn=_ended_with_its_parent(),  # noqa: PLW1509 - one system call on a function resolved before the fork
            )
    except OSError as error:
        raise RigError(f"{program.name} could not be started: {error}") from error


def _ended_with_its_parent() -> Callable[[], int]:
    set_option = ctypes.CDLL(None).prctl
    return functools.partial(set_option, _SET_PARENT_DEATH_SIGNAL, int(signal.SIGTERM))


def _stop(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """End the whole process group: what the program started itself must not stay either."""
    _signal_group(process, signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pass  # the next signal is not up for discussion
    finally:
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # all of them have ended
        os.killpg(process.pid, number)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody has at the moment, nor was given before: its program may not have it yet.

    Not one of those that the system gives to outgoing connections, which begin at 32768 (ip(7), ip_local_port_range):
    such a connection could take it before the program that it is meant for.
    """
    for port in _each_port_once():
        with _ONE_FORKS_OR_PROBES, socket.socket() as probe, contextlib.suppress(OSError):  # taken: try another
            probe.bind(("127.0.0.1", port))
            return port
    raise RigError(f"every port from {_PORTS.start} to {_PORTS.stop - 1} was tried; start the rig anew")


@functools.cache
def _each_port_once() -> Iterator[int]:
    """In an order of its own for each process, as others choose among the same; the next for whoever asks."""
    return iter(secrets.SystemRandom().sample(_PORTS, len(_PORTS)))


def is_listening(port: int) -> bool:
    """Whether something accepts connections on 127.0.0.1."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
