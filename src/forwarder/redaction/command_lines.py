"""Secrets among the arguments of a command: behind an option that tells, or where a well-known program takes them.

The programs' options are those of their manuals. What is no secret stays: the user of `user:password`, the option.
"""

import re
from collections.abc import Iterator, Sequence

from forwarder.redaction.names import Names, Telling
from forwarder.redaction.rules import MARK
from forwarder.redaction.values import is_no_secret

_OPTION = re.compile(r"--?([A-Za-z][\w.-]{0,100})")
# A path, a version and an ending in front of and behind a program's name: `/usr/bin/mysql`, `mysql.exe`.
_PROGRAM = re.compile(r"(?:[^\s]*/)?([a-z][a-z0-9_-]{1,30}?)(?:\.exe)?")

_MYSQL = "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlsh mysqlpump mariadb mariadb-dump mariadb-admin"
_MONGO = "mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat"
_LDAP = "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldappasswd ldapcompare"
# Program → options whose value is a secret, whether it stands in the same argument (`-pX`) or in the next one.
_SECRET_OPTIONS = {
    **dict.fromkeys(_MYSQL.split(), ("-p",)),
    **dict.fromkeys(_MONGO.split(), ("-p",)),
    **dict.fromkeys(_LDAP.split(), ("-w",)),
    "sshpass": ("-p",),
    "redis-cli": ("-a", "--pass"),
    "sqlcmd": ("-P",),
    "curl": ("--oauth2-bearer", "--pass", "--proxy-pass"),
}
# Program → options whose value is `user:password`.
_USER_OPTIONS = {
    "curl": ("-u", "--user", "-U", "--proxy-user"),
}
# `docker login -p X`.
_LOGIN_PROGRAMS = ("az", "buildah", "crane", "docker", "helm", "nerdctl", "oc", "oras", "podman", "regctl", "skopeo")
_OTHERS = ("htpasswd", "openssl", "kubectl")
PROGRAMS = frozenset((*_SECRET_OPTIONS, *_USER_OPTIONS, *_LOGIN_PROGRAMS, *_OTHERS))
_PASS = re.compile(r"pass:(?=.)")


def program_of(word: str) -> str | None:
    """The well-known program that a word calls; None for any other word."""
    match = _PROGRAM.fullmatch(word) if len(word) < 200 else None  # noqa: PLR2004 - no path to a program is so long
    return match[1] if match is not None and match[1] in PROGRAMS else None


def tells_of_others(word: str) -> bool:
    """Whether an argument may tell of those beside it: an option, or a command that takes secrets."""
    if word.startswith("-"):
        return word.startswith("--from-literal") or _OPTION.fullmatch(word) is not None
    return word == "login" or program_of(word) is not None


def redacted_arguments(words: Sequence[str], names: Names) -> dict[int, str]:
    """The arguments that hold a secret, by their positions, without it.

    Args:
        words: a command and its arguments, or a part of them; unquoted.
        names: which options tell.
    """
    found: dict[int, str] = {}
    program: str | None = None
    is_login = False
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else None
        if not word.startswith("-"):
            program = program_of(word) or program
            is_login = is_login or (word == "login" and program in _LOGIN_PROGRAMS)
        elif position not in found and following is not None and _is_told(word, following, names):
            found[position + 1] = MARK
        if program is not None and position not in found and (word.startswith("-") or program in _OTHERS):
            found.update(_of_program(program, words, position, is_login=is_login))
    return found


def _is_told(word: str, following: str, names: Names) -> bool:
    """Whether an option tells that the next argument is a secret."""
    option = _OPTION.fullmatch(word)
    if option is None or following.startswith("--") or names.telling(option[1]) is not Telling.YES:
        return False
    return not is_no_secret(option[1], following)


def _of_program(program: str, words: Sequence[str], position: int, *, is_login: bool) -> Iterator[tuple[int, str]]:
    """What one word of a program's arguments tells of itself, or of the next one."""
    word = words[position]
    following = words[position + 1] if position + 1 < len(words) else None
    secret_options = (*_SECRET_OPTIONS.get(program, ()), *(("-p",) if is_login else ()))
    for option in secret_options:
        if word == option and following and not following.startswith("-") and not is_no_secret(option, following):
            yield position + 1, MARK
        elif len(option) == 2 and word.startswith(option) and _is_attached(word[2:]):  # noqa: PLR2004 - `-p` and what follows
            yield position, f"{option}{MARK}"
    for option in _USER_OPTIONS.get(program, ()):
        if word == option and following:
            yield from _user_and_password(position + 1, "", following)
        elif word.startswith(option) and word != option:
            yield from _user_and_password(position, option, word[len(option) :])
    yield from _positional(program, words, position)


def _is_attached(rest: str) -> bool:
    """Whether what stands behind a short option in the same argument is its value, not another word's end."""
    return len(rest) > 1 and not is_no_secret("password", rest.removeprefix("="))


def _user_and_password(position: int, option: str, value: str) -> Iterator[tuple[int, str]]:
    user, separator, password = value.partition(":")
    if password and not is_no_secret("password", password):
        yield position, f"{option}{user}{separator}{MARK}"


def _positional(program: str, words: Sequence[str], position: int) -> Iterator[tuple[int, str]]:
    word = words[position]
    if program == "openssl" and (match := _PASS.match(word)) is not None:
        yield position, f"{match[0]}{MARK}"
    elif program == "htpasswd" and position == len(words) - 1 and any(re.match(r"-\w*b", other) for other in words):
        yield position, MARK
    elif program == "kubectl" and "--from-literal" in word and "secret" in words:
        yield from _literal(position, word, words)


def _literal(position: int, word: str, words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """`kubectl create secret generic x --from-literal=key=value`, or with the pair in an argument of its own."""
    if word == "--from-literal" and position + 1 < len(words):
        position, word = position + 1, words[position + 1]
    head, separator, value = word.removeprefix("--from-literal=").partition("=")
    if separator and value and not value.startswith(MARK):
        yield position, f"{word[: len(word) - len(head) - 1 - len(value)]}{head}={MARK}"
