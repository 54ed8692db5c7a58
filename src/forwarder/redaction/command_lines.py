"""Secrets among the arguments of a command: behind an option that tells, or where a well-known program takes them.

What is no secret stays: the user of `user:password`, the option.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from forwarder.redaction.names import Names, Telling
from forwarder.redaction.programs import (
    CALLERS,
    OF_ORACLE,
    OF_PASSWORD_FILES,
    OF_SETTINGS,
    PROGRAMS,
    READS_PIPE,
    READS_USER,
    SECURE_STRING,
    SETTERS,
    SUBCOMMANDS,
    Program,
    program_of,
)
from forwarder.redaction.rules import MARK
from forwarder.redaction.values import is_no_secret

_OPTION = re.compile(r"[-/]{1,2}([A-Za-z][\w.-]{0,100})")
_PAIR = re.compile(r"(?P<head>[\w./@-]{1,128}=)(?P<value>.+)", re.DOTALL)
_MOST_OPTIONS = 12
_PASS = re.compile(r"pass:(?=.)")
_ORACLE_LOGIN = re.compile(r"(?P<head>(?:userid=)?[\w$#-]{1,60}/)(?P<value>[^@/\s]{1,100})(?:@.*)?")
_SECRETS = frozenset(("secret", "secrets"))
_STORES_OF_PAIRS = ("secret/", "kv/", "cubbyhole/")
_VAULT_WRITES = frozenset(("write", "put", "patch"))
_ABOUT_TOKENS_OF_VAULT = ("role_id=", "policies=", "max_ttl=", "token_ttl=", "token_policies=", "token_type=")
_SECRET_OF_VAULT = re.compile(r"secret|pass|token|key|cred|pw", re.IGNORECASE)

# The position of an argument, and what stands there instead of it.
_Found: TypeAlias = Iterator[tuple[int, str]]


class _Command(NamedTuple):
    """What has been read of a command.

    Attributes:
        name: of the well-known program that it calls.
        program: what is known of that.
        words: all words, also those before and behind the command.
        begin: the position of its name.
        seen: the words behind it that were read.
        all_words: `words`, without their order.
    """

    name: str
    program: Program
    words: Sequence[str]
    begin: int
    seen: set[str]
    all_words: frozenset[str]


def tells_of_others(word: str) -> bool:
    """Whether an argument may tell of those beside it: an option, or a command that takes secrets."""
    if word.startswith("-"):
        return word.startswith("--from-literal") or _OPTION.fullmatch(word) is not None
    return word in SUBCOMMANDS or program_of(word) is not None


def changes_secret(words: Sequence[str]) -> bool:
    """Whether a command changes a Secret, so that its patch holds the data of one: `kubectl patch secret x -p …`."""
    return "kubectl" in words and "patch" in words and any(word.split("/")[0] in _SECRETS for word in words)


def redacted_arguments(words: Sequence[str], names: Names) -> dict[int, str]:
    """The arguments that hold a secret, by their positions, without it.

    Args:
        words: a command and its arguments, or a part of them; unquoted.
        names: which options tell.
    """
    found: dict[int, str] = {}
    command: _Command | None = None
    all_words: frozenset[str] = frozenset()
    for position, word in enumerate(words):
        if word.startswith("-"):
            is_switch = command is not None and command.name in OF_SETTINGS and word in SETTERS
            if position not in found and not is_switch and _is_told(word, words[position + 1 : position + 2], names):
                found[position + 1] = MARK
        elif (called := program_of(word)) is not None and (command is None or _calls_another(words, position)):
            all_words = all_words or frozenset(words)
            command = _Command(called, PROGRAMS[called], words, position, set(), all_words)
        if command is not None:
            if position not in found and (word.startswith("-") or command.name in _OF_WORDS):
                for place, argument in _of_command(command, position, names):
                    found.setdefault(place, argument)
            command.seen.add(word)
    return found


def _calls_another(words: Sequence[str], position: int) -> bool:
    """Whether the name of a program calls it: not where it is what another one is about (`vault write mysql`)."""
    before = words[position - 1]
    return before.startswith("-") or before in CALLERS or "/" in words[position]


def _is_told(option: str, following: Sequence[str], names: Names) -> bool:
    """Whether an option tells that the next argument is a secret."""
    name = _OPTION.fullmatch(option)
    if name is None or not following or following[0].startswith("--") or names.telling(name[1]) is not Telling.YES:
        return False
    return not is_no_secret(name[1], following[0])


def _of_command(command: _Command, position: int, names: Names) -> _Found:
    """What one word of a command tells of itself, or of others behind it."""
    word = command.words[position]
    following = command.words[position + 1] if position + 1 < len(command.words) else ""
    yield from _of_secret_options(command, position, word, following)
    yield from _of_user_options(command.program, position, word, following)
    yield from _of_words(command, position, word)
    if command.name in OF_SETTINGS and not SETTERS.isdisjoint(command.seen) and not following.startswith("-"):
        name = word.rpartition(":")[2]
        told = Telling.YES in (names.telling(name), names.telling(name.rpartition(".")[2]))
        if told and not word.startswith("-") and not is_no_secret(name, following):
            yield position + 1, MARK
    if command.name in _SPECIAL:
        yield from _SPECIAL[command.name](command, position, word)


def _of_secret_options(command: _Command, position: int, word: str, following: str) -> _Found:
    only_behind = command.program.only_behind
    is_behind = SECURE_STRING in command.all_words if only_behind == SECURE_STRING else only_behind in command.seen
    for option in command.program.secret if only_behind is None or is_behind else ():
        value = word.removeprefix(option)
        if word == option and following and not following.startswith("--"):
            yield from () if is_no_secret(option, following) else ((position + 1, MARK),)
        elif value != word and option.startswith("--"):
            if value.startswith("=") and not is_no_secret(option, value[1:]):
                yield position, f"{option}={MARK}"
        elif value != word and command.program.is_attached and _is_attached_secret(value):
            yield position, f"{option}{MARK}"


def _is_attached_secret(value: str) -> bool:
    return len(value) > 1 and not is_no_secret("password", value.removeprefix("="))


def _of_user_options(program: Program, position: int, word: str, following: str) -> _Found:
    for option in program.user:
        if word == option:
            yield from _user_and_password(position + 1, "", following, program.separator)
        elif word.startswith(f"{option}="):
            yield from _user_and_password(position, f"{option}=", word[len(option) + 1 :], program.separator)
        elif word.startswith(option) and not option.startswith("--"):
            yield from _user_and_password(position, option, word[len(option) :], program.separator)


def _user_and_password(position: int, option: str, value: str, separator: str = ":") -> _Found:
    user, found, password = value.partition(separator)
    if password and not is_no_secret("password", password) and not password.startswith("//"):
        yield position, f"{option}{user}{found}{MARK}"


def _of_words(command: _Command, position: int, word: str) -> _Found:
    """What stands behind a word that is no option: `mysqladmin password X`."""
    for told, between in command.program.words:
        if word != told and not (position == command.begin and told == command.name):
            continue
        near = range(position + 1, min(len(command.words), position + 1 + _MOST_OPTIONS))
        behind = [place for place in near if not command.words[place].startswith("-")]
        if len(behind) <= between or is_no_secret("password", command.words[behind[between]]):
            continue
        pair = _PAIR.fullmatch(command.words[behind[between]]) if command.name == "vault" else None
        if pair is None:
            yield behind[between], MARK
        elif _SECRET_OF_VAULT.search(pair["head"]) is not None:
            yield behind[between], f"{pair['head']}{MARK}"


def _of_openssl(_command: _Command, position: int, word: str) -> _Found:
    if (match := _PASS.match(word)) is not None:
        yield position, f"{match[0]}{MARK}"


def _of_password_file(command: _Command, position: int, _word: str) -> _Found:
    is_last = position == len(command.words) - 1 and position > command.begin
    if is_last and any(re.match(r"-\w*b", other) for other in command.seen):
        yield position, MARK


def _of_kubectl(command: _Command, position: int, word: str) -> _Found:
    """`kubectl create secret generic x --from-literal=key=value`, or with the pair in an argument of its own."""
    if not word.startswith("--from-literal") or "secret" not in command.seen:
        return
    if word == "--from-literal" and position + 1 < len(command.words):
        position, word = position + 1, command.words[position + 1]
    option = "--from-literal=" if word.startswith("--from-literal=") else ""
    name, separator, value = word.removeprefix(option).partition("=")
    if separator and value and not value.startswith(MARK):
        yield position, f"{option}{name}={MARK}"


def _of_vault(command: _Command, position: int, word: str) -> _Found:
    """`vault kv put secret/db pin=X`, `vault write auth/approle/login secret_id=X`."""
    if _VAULT_WRITES.isdisjoint(command.seen) or (pair := _PAIR.fullmatch(word)) is None:
        return
    head = pair["head"]
    is_told = _SECRET_OF_VAULT.search(head) is not None and head not in _ABOUT_TOKENS_OF_VAULT
    if (is_told or _is_of_pairs(command)) and not is_no_secret("password", pair["value"]):
        yield position, f"{head}{MARK}"


def _is_of_pairs(command: _Command) -> bool:
    """Whether Vault writes into a store of pairs, as near its name it is said."""
    near = command.words[command.begin : command.begin + _MOST_OPTIONS]
    return any(word == "kv" or word.startswith(_STORES_OF_PAIRS) for word in near)


def _of_oracle(command: _Command, position: int, word: str) -> _Found:
    login = _ORACLE_LOGIN.fullmatch(word) if position > command.begin else None
    if login is not None and not is_no_secret("password", login["value"]):
        yield position, f"{login['head']}{MARK}{word[login.end('value') :]}"


def _of_key_vault(command: _Command, position: int, word: str) -> _Found:
    """`az keyvault secret set --value X`."""
    if word == "--value" and position + 1 < len(command.words) and "secret" in command.seen:
        yield position + 1, MARK


_SPECIAL = {
    "az": _of_key_vault,
    "openssl": _of_openssl,
    "kubectl": _of_kubectl,
    "vault": _of_vault,
    **dict.fromkeys(OF_PASSWORD_FILES, _of_password_file),
    **dict.fromkeys(OF_ORACLE, _of_oracle),
}


# Programs of whose arguments not only options tell.
_OF_WORDS = frozenset(
    name
    for name, program in PROGRAMS.items()
    if name in _SPECIAL
    or name in OF_SETTINGS
    or program.words
    or any(not option.startswith("-") for option in (*program.secret, *program.user))
)


def piped_secrets(words: Sequence[str], receiver: Sequence[str]) -> dict[int, str]:
    """Of a command whose output goes to another one: the arguments that this one reads as a secret, without it.

    Args:
        words: the command and its arguments, unquoted.
        receiver: the command that its output goes to, and its arguments.
    """
    if not _prints(words):
        return {}
    line = " ".join(receiver)
    if READS_PIPE.search(line) is None:
        return {}
    return _printed(words, is_of_users=READS_USER.search(line) is not None)


def redirected_secrets(words: Sequence[str], names: Names) -> dict[int, str]:
    """What is printed into a file whose name tells, and what a program reads behind `<<<`, without the secret.

    Args:
        words: the command, its arguments, and behind `>` the file; unquoted.
        names: which names tell.
    """
    if _REDIRECTIONS.isdisjoint(words):
        return {}
    for place, word in enumerate(words[:-1]):
        if word == "<<<":
            secrets = piped_secrets(["echo", words[place + 1]], words)
            return dict.fromkeys((place + 1,) if secrets else (), MARK)
        if word in (">", ">>") and _prints(words):
            is_told = names.telling(words[place + 1].rpartition("/")[2]) is Telling.YES
            return _printed(words[:place], is_of_users=False) if is_told else {}
    return {}


_REDIRECTIONS = frozenset(("<<<", ">", ">>"))


def _prints(words: Sequence[str]) -> bool:
    return bool(words) and words[0].rpartition("/")[2] in ("echo", "printf")


def _printed(words: Sequence[str], *, is_of_users: bool) -> dict[int, str]:
    found: dict[int, str] = {}
    for position, word in enumerate(words[1:], 1):
        if not word or word.startswith("-") or word in ("%s", "%s\\n", "\\n") or is_no_secret("password", word):
            continue
        if is_of_users and ":" in word:
            found.update(_user_and_password(position, "", word))
        else:
            found[position] = MARK
    return found
