"""The operating system's user that the server runs as: OpenSearch refuses to run as root."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from local.errors import RigError

_UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """A user and its group, as numbers."""

    user_id: int
    group_id: int


def server_account(own_user_id: int) -> Account | None:
    """Whom the server runs as: `nobody` when we are root, otherwise ourselves (None).

    Raises:
        RigError: We are root and the machine has no user `nobody`.
    """
    if own_user_id != 0:
        return None
    try:
        entry = pwd.getpwnam(_UNPRIVILEGED)
    except KeyError as error:
        raise RigError(f"OpenSearch does not run as root and there is no user {_UNPRIVILEGED!r}: add one") from error
    return Account(entry.pw_uid, entry.pw_gid)


def check_reachable(folder: Path, account: Account | None, remedy: str) -> None:
    """Make sure that another user can enter a folder.

    Raises:
        RigError: One of the folders above is closed to others; it ends with the remedy.
    """
    if account is None:
        return
    for parent in (folder, *folder.parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            raise RigError(f"{parent} is closed to user {account.user_id}, who runs OpenSearch: {remedy}")


def hand_over(folder: Path, account: Account | None) -> None:
    """Give a folder and all in it to the account; nothing to do for ourselves."""
    if account is None:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.user_id, account.group_id)
