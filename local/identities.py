"""IAM identities that the edge knows: what stands for IAM in the rig."""

import dataclasses
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """An IAM role's temporary credentials.

    Attributes:
        role_arn: The role; OpenSearch sees it as user name and as backend role.
        access_key_id: Tells the edge whose signature it is.
        secret_access_key: What requests are signed with.
        session_token: Must come with every request; None for a long-term key.
    """

    role_arn: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)


def new_identity(role_arn: str) -> Identity:
    """Credentials for a role in the shape that AWS STS gives out, valid in this rig only."""
    return Identity(
        role_arn=role_arn,
        access_key_id=f"ASIA{secrets.token_hex(8).upper()}",
        secret_access_key=secrets.token_urlsafe(30),
        session_token=secrets.token_urlsafe(60),
    )


def write_identities(path: Path, identities: Iterable[Identity]) -> None:
    """Write a JSON file that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text(json.dumps([dataclasses.asdict(identity) for identity in identities]))


def read_identities(path: Path) -> dict[str, Identity]:
    """Read what `write_identities` wrote, by access key id."""
    return {entry["access_key_id"]: Identity(**entry) for entry in json.loads(path.read_text())}
