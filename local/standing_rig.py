"""A rig that stays up between commands: `up` leaves a keeper process behind, `down` ends it.

The keeper opens the rig as any other program would and holds a lock for as long as it lives. Whoever finds the lock
held knows that the process id in the state file is the keeper's, and not one that the system gave to another since.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from local.cache import Progress, make_enterable
from local.errors import RigError
from local.identities import Identity
from local.lambda_runtime import TREE
from local.opensearch_node import Node
from local.rig import Edge, Rig, open_rig

_STOP_SECONDS = 60
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class StandingRig:
    """The rig that is up, and who keeps it.

    Attributes:
        keeper: Process id.
        rig: What runs.
    """

    keeper: int
    rig: Rig


@dataclass(frozen=True)
class Places:
    """The files of a standing rig, in the cache folder.

    Attributes:
        folder: One of them can be up for each folder.
    """

    folder: Path

    @property
    def state(self) -> Path:
        """What is up: there only while it is complete."""
        return self.folder / "standing-rig.json"

    @property
    def lock(self) -> Path:
        """Held by the keeper."""
        return self.folder / "standing-rig.lock"

    @property
    def log(self) -> Path:
        """What the keeper says."""
        return self.folder / "standing-rig.log"


def keep(places: Places) -> None:
    """Open a rig and stay until SIGTERM, which the caller has turned into an exception.

    Raises:
        RigError: Another keeper is there, or the rig did not start.
    """
    with _hold(places.lock), open_rig(progress=lambda line: print(line, flush=True)) as rig:
        _write_state(places.state, StandingRig(os.getpid(), rig))
        try:
            while True:
                signal.pause()
        finally:
            places.state.unlink()


@contextlib.contextmanager
def _hold(path: Path) -> Iterator[None]:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RigError("a rig is up already, or about to be") from error
        yield


def _is_held(path: Path) -> bool:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def standing(places: Places) -> StandingRig | None:
    """The rig that is up, if any; the state file of a keeper that was killed is removed."""
    if not places.state.exists():
        return None
    if not _is_held(places.lock):
        places.state.unlink(missing_ok=True)
        return None
    return _read_state(places.state.read_text())


def start(places: Places, progress: Progress) -> StandingRig:
    """Leave a keeper behind and wait until its rig answers.

    Args:
        places: Nothing is up there.
        progress: Called with what the keeper says.

    Raises:
        RigError: It did not start.
    """
    make_enterable(places.folder)
    with places.log.open("a") as output, places.log.open() as log:
        log.seek(0, os.SEEK_END)
        keeper = subprocess.Popen(
            (sys.executable, "-m", "local", "keep"),
            cwd=TREE,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return _started(places, keeper, log, progress)
        except BaseException:
            keeper.terminate()
            keeper.wait()
            raise


def _started(places: Places, keeper: "subprocess.Popen[bytes]", log: TextIO, progress: Progress) -> StandingRig:
    while True:
        ended = keeper.poll() is not None
        for line in log:
            progress(line.rstrip("\n"))
        if ended:
            raise RigError(f"the rig did not start; what it said is in {places.log}")
        if (up := standing(places)) is not None:
            return up
        time.sleep(_PAUSE_SECONDS)


def stop(places: Places, up: StandingRig) -> None:
    """End a rig and wait until all of it has gone.

    Raises:
        RigError: It is still there after a minute.
    """
    os.kill(up.keeper, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _is_held(places.lock):
        if time.monotonic() > deadline:
            raise RigError(f"the rig's keeper, process {up.keeper}, is still there after {_STOP_SECONDS} s")
        time.sleep(_PAUSE_SECONDS)


def _write_state(path: Path, up: StandingRig) -> None:
    """Write it whole or not at all, and for ourselves only: there are credentials in it."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(dataclasses.asdict(up), default=str, indent=1))
    draft.rename(path)


def _read_state(text: str) -> StandingRig:
    state = json.loads(text)
    return StandingRig(state["keeper"], _rig(state["rig"]))


def _rig(state: dict[str, Any]) -> Rig:
    edge = state["edge"]
    return Rig(
        node=Node(**state["node"]),
        edge=Edge(edge["url"], Path(edge["ca_file"]), edge["process_id"]),
        function_identity=Identity(**state["function_identity"]),
        stranger_identity=Identity(**state["stranger_identity"]),
        region=state["region"],
        folder=Path(state["folder"]),
    )
