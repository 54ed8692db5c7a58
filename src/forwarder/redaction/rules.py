"""What secrets are replaced by, and the rules by which they are found; docs/redaction.md has an example of each."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeAlias

MARK = "(redacted)"


class Rule(StrEnum):
    """Why something is a secret."""

    TELLING_NAME = "telling name"
    ARGUMENT = "argument"
    SECRET_DATA = "Secret data"
    SECRET_MANIFEST = "Secret manifest"
    STATEMENT = "SQL statement"
    DOCKER_AUTH = "docker auth"
    ADDRESS = "address"
    BEARER_TOKEN = "bearer token"
    AUTHORIZATION = "authorization"
    SIGNATURE = "request signature"
    PRIVATE_KEY = "private key"
    KNOWN_TOKEN = "token known by its look"
    OPERATOR = "pattern of the operator"


def replaced(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """The text with other words from `start` to `end` of each edit; of edits that overlap the first one."""
    pieces: list[str] = []
    done = 0
    for start, end, words in sorted(edits):
        if start >= done:
            pieces += (text[done:start], words)
            done = end
    return "".join(pieces) + text[done:] if done else text


Tell: TypeAlias = Callable[[Rule], None]
"""Is told each rule by which something was replaced."""
