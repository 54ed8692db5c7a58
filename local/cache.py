"""A folder outside the tree where downloads are unpacked once, for every later start to use as they are."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[str], None]

CACHE_VARIABLE = "EKS_LOGS_RIG_CACHE"
_NAME = "eks-control-plane-logs-rig"
# Not below root's home: the server runs as another user, who may not enter it.
_CACHE_OF_ROOT = Path("/var/cache")


def cache_folder(environment: Mapping[str, str], user_id: int) -> Path:
    """Where downloads live: $EKS_LOGS_RIG_CACHE, or a folder of ours in the user's cache folder."""
    if chosen := environment.get(CACHE_VARIABLE):
        return Path(chosen).absolute()
    if user_id == 0:
        return _CACHE_OF_ROOT / _NAME
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _NAME


@contextmanager
def locked(path: Path, when_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file, waiting for another process if need be; the kernel frees it when its holder dies."""
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def provide(folder: Path, fill: Callable[[Path], None], progress: Progress) -> Path:
    """The folder, filled by whoever comes first.

    It is filled under another name beside and renamed when complete, so what has the name is whole; what an interrupted
    start left behind is removed by the next.

    Args:
        folder: What to return; its contents are never changed afterwards.
        fill: Fills the empty folder it is given.
        progress: Called when another process is filling it.
    """
    if folder.is_dir():
        return folder
    make_enterable(folder.parent)
    lock = folder.with_name(f"{folder.name}.lock")
    with locked(lock, lambda: progress(f"another process is preparing {folder.name}: waiting for it")):
        if not folder.is_dir():
            _fill_beside(folder, fill)
    return folder


def _fill_beside(folder: Path, fill: Callable[[Path], None]) -> None:
    prefix = f"{folder.name}.partial-"
    for leftover in folder.parent.glob(f"{prefix}*"):  # of an interrupted process: we hold the lock
        shutil.rmtree(leftover)
    partial = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    try:
        fill(partial)
        _open_to_readers(partial)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def make_enterable(folder: Path) -> None:
    """Make a folder, where there is none, that every user can enter and look into."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o755)


def _open_to_readers(folder: Path) -> None:
    """Whatever the umask is, the server's user must be able to read."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or os.access(path, os.X_OK)
            path.chmod(0o755 if executable else 0o644)
