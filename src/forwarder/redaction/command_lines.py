"""Secrets among the arguments of a command: behind an option that tells, or where a well-known program takes them.

The programs' options are those of their manuals. What is no secret stays: the user of `user:password`, the option.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from forwarder.redaction.names import Names, Telling
from forwarder.redaction.rules import MARK
from forwarder.redaction.values import is_no_secret

_OPTION = re.compile(r"[-/]{1,2}([A-Za-z][\w.-]{0,100})")
_ASSIGNMENT = re.compile(r"(?P<head>[\w./@-]{1,128}=)(?P<value>.+)", re.DOTALL)
# A path, a version and an ending in front of and behind a program's name: `/usr/bin/mysql`, `mysql.exe`.
_PROGRAM = re.compile(r"(?:[^\s]*/)?([a-z7][a-z0-9_.-]{1,30}?)(?:\.exe|\.sh)?")


class _Program(NamedTuple):
    """Where a program takes secrets.

    Attributes:
        secret: options whose value is a secret, whether it stands in the same argument (`-pX`) or in the next one.
        user: options whose value is `user:password`, or has another of the separators `:`, `%`, `,` and `/`.
        words: of each, behind which words an argument that is no option is a secret, and how many others stand between.
        only_behind: the word without which `secret` does not hold.
    """

    secret: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    words: tuple[tuple[str, int], ...] = ()
    only_behind: str | None = None


def _programs(names: str, program: _Program) -> dict[str, _Program]:
    return dict.fromkeys(names.split(), program)


_SECURE_STRING = "SecureString"
_PROGRAMS: dict[str, _Program] = {
    **_programs(
        "mysql mysqldump mysqlimport mysqlcheck mysqlsh mysqlpump mysqlslap mysqlshow mariadb mariadb-dump mycli mydumper",
        _Program(("-p",)),
    ),
    **_programs("mysqladmin mariadb-admin", _Program(("-p",), words=(("password", 0), ("old-password", 0)))),
    **_programs("mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop", _Program(("-p",))),
    **_programs(
        "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop", _Program(("-w",))
    ),
    "ldappasswd": _Program(("-w", "-s", "-a")),
    "slappasswd": _Program(("-s",)),
    **_programs("sshpass cqlsh beeline cypher-shell cbq couchbase-cli rabbitmqadmin kcadm kcadm.sh", _Program(("-p",))),
    **_programs(
        "redis-cli valkey-cli keydb-cli redis-benchmark memtier_benchmark",
        _Program(("-a", "--pass"), words=(("AUTH", 0), ("auth", 0), ("requirepass", 0), ("masterauth", 0))),
    ),
    **_programs("sqlcmd bcp tsql isql bsqldb mssql-cli ipmitool osql", _Program(("-P",))),
    "mosquitto_pub": _Program(("-P", "--pw")),
    "mosquitto_sub": _Program(("-P", "--pw")),
    "mosquitto_rr": _Program(("-P", "--pw")),
    "curl": _Program(("--oauth2-bearer", "--pass", "--proxy-pass"), ("-u", "--user", "-U", "--proxy-user")),
    **_programs("http https httpie xh ab hey wrk", _Program((), ("-a", "-A", "--auth", "-P"))),
    **_programs("smbclient rpcclient smbget", _Program((), ("-U", "--user"))),
    "net": _Program((), ("-U",)),
    "lftp": _Program((), ("-u", "--user")),
    "etcdctl": _Program(("--new-user-password",), ("--user", "add", "-u")),
    **_programs("snmpwalk snmpget snmpset snmpbulkwalk snmptrap snmptable", _Program(("-A", "-X", "-c"))),
    **_programs("plink pscp psftp", _Program(("-pw",))),
    **_programs("zip unzip zipcloak", _Program(("-P", "--password"))),
    **_programs("7z 7za 7zr rar unrar", _Program(("-p", "-hp"))),
    **_programs("xfreerdp wlfreerdp", _Program(("/p", "/p:"))),
    "openssl": _Program(("-k", "-K", "-passwd"), words=(("passwd", 0),)),
    "ssh-keygen": _Program(("-N", "-P")),
    "vault": _Program(
        (), ("add",), words=(("login", 0), ("unseal", 0), ("unwrap", 0), ("renew", 0), ("revoke", 0), ("lookup", 0))
    ),
    "rabbitmqctl": _Program(
        words=(("add_user", 1), ("change_password", 1), ("authenticate_user", 1), ("encode", 0), ("decode", 0))
    ),
    "rclone": _Program(words=(("obscure", 0),)),
    "ngrok": _Program(words=(("authtoken", 0), ("add-authtoken", 0))),
    "snyk": _Program(words=(("auth", 0),)),
    "cf": _Program(words=(("auth", 1),)),
    "cargo": _Program(words=(("login", 0),)),
    "nuget": _Program(words=(("setapikey", 0), ("setApiKey", 0))),
    "dotnet": _Program(("-k", "--api-key"), only_behind="nuget"),
    "grafana-cli": _Program(words=(("reset-admin-password", 0),)),
    "grafana": _Program(words=(("reset-admin-password", 0),)),
    "neo4j-admin": _Program(words=(("set-initial-password", 0),)),
    "wpa_passphrase": _Program(words=(("wpa_passphrase", 1),)),
    "mosquitto_passwd": _Program(),
    "htpasswd": _Program(),
    "mc": _Program(words=(("set", 2), ("set", 3), ("add", 2), ("add", 3))),
    "samba-tool": _Program(words=(("create", 1),)),
    "radtest": _Program(words=(("radtest", 1), ("radtest", 4))),
    "influx": _Program(("-t", "-p")),
    "doctl": _Program(("-t",)),
    "vercel": _Program(("-t",)),
    "swift": _Program(("-K",)),
    "twine": _Program(("-p",)),
    **_programs("useradd usermod", _Program(("-p",))),
    "gh": _Program(("--body", "-b"), only_behind="secret"),
    # Of `ssm put-parameter --type SecureString`.
    "aws": _Program(("--value",), only_behind=_SECURE_STRING),
    "gitlab-runner": _Program(("-r",)),
    **_programs("sqlplus sqlldr expdp impdp exp imp rman sqlcl", _Program()),
    **_programs(
        "skopeo crane podman buildah oras regctl nerdctl",
        _Program(("-p",), ("--creds", "--src-creds", "--dest-creds"), only_behind="login"),
    ),
    **_programs(
        "docker helm oc az flux argocd cf ibmcloud kubelogin oci tkn odo", _Program(("-p",), only_behind="login")
    ),
    **_programs("kubectl gcloud git npm yarn pip composer pulumi fly flyctl heroku nmcli", _Program()),
}
_LOGIN_PROGRAMS = frozenset(name for name, program in _PROGRAMS.items() if program.only_behind == "login")
# `aws configure set aws_secret_access_key X`: a word that tells, and the next one, behind one of these.
_SETTERS = frozenset(
    ("connect", "modify", "set", "create", "update", "config", "--secret", "--add", "--global", "--location")
)
_WITH_SETTERS = frozenset(
    "aws rclone npm yarn git pulumi poetry composer pip helm nmcli heroku redis-cli valkey-cli dotnet gh az oc".split()
)
_SEPARATORS = {"smbclient": "%", "rpcclient": "%", "smbget": "%", "net": "%", "lftp": ","}
# Their options are words, though one dash begins them.
_NEVER_ATTACHED = frozenset(("openssl", "plink", "pscp", "psftp"))
_MOST_OPTIONS = 12
_PASS = re.compile(r"pass:(?=.)")
_ORACLE_LOGIN = re.compile(r"(?P<head>(?:userid=)?[\w$#-]{1,60}/)(?P<value>[^@/\s]{1,100})(?:@.*)?")
_VAULT_WRITES = frozenset(("write", "put", "patch"))
# Programs that read a secret from a pipe: by an option that says so, or always.
_READS_PIPE = re.compile(
    r"\b(?:chpasswd|kinit|smbpasswd|cryptsetup|pdbedit)\b|\bsudo\s+(?:-\w+\s+)*-\w*S|--\w*(?:password|token|secret|passphrase|key)\w*-"
    r"(?:stdin|fd)\b|--(?:password|token|with-token|stdin)\b(?:[= ]-)?|\bpasswd\b|\bhtpasswd\s+(?:-\w+\s+)*-\w*i|\bvault\b[^|;]*-(?:\s|$)"
    r"|\bkeystore\s+add\b|\bsecrets?\s+(?:create|set|put|versions)\b|\b(?:gpg2?|openssl)\b.*(?:passphrase-fd|stdin)|\bauth\s+login\b"
)
_USER_BEFORE = re.compile(r"\b(?:chpasswd|newusers)\b")


def program_of(word: str) -> str | None:
    """The well-known program that a word calls; None for any other word."""
    match = _PROGRAM.fullmatch(word) if len(word) < 200 else None  # noqa: PLR2004 - no path to a program is so long
    return match[1] if match is not None and match[1] in _PROGRAMS else None


# What is looked for where the name of the program is too short, or too common.
_SUBCOMMANDS = frozenset(("login", "alias", "obscure", "authtoken", _SECURE_STRING))


def changes_secret(words: Sequence[str]) -> bool:
    """Whether a command changes a Secret, so that its patch holds the data of one: `kubectl patch secret x -p …`."""
    return "kubectl" in words and "patch" in words and any(word.split("/")[0] in _SECRETS for word in words)


_SECRETS = frozenset(("secret", "secrets"))


def tells_of_others(word: str) -> bool:
    """Whether an argument may tell of those beside it: an option, or a command that takes secrets."""
    if word.startswith("-"):
        return word.startswith("--from-literal") or _OPTION.fullmatch(word) is not None
    return word in _SUBCOMMANDS or program_of(word) is not None


class _Command(NamedTuple):
    """What has been read of a command.

    Attributes:
        program: the well-known program that it calls.
        begin: the position of its name.
        seen: the words behind it that were read.
        all: the words of the command, and of what stands before it.
        is_of_pairs: whether Vault writes them into a store of pairs.
    """

    program: str
    begin: int
    seen: set[str]
    all: frozenset[str]
    is_of_pairs: bool


def redacted_arguments(words: Sequence[str], names: Names) -> dict[int, str]:
    """The arguments that hold a secret, by their positions, without it.

    Args:
        words: a command and its arguments, or a part of them; unquoted.
        names: which options tell.
    """
    found: dict[int, str] = {}
    command: _Command | None = None
    all_words = frozenset(words)
    is_of_pairs = any(word == "kv" or word.startswith(_STORES_OF_PAIRS) for word in words)
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else None
        if not word.startswith(("-", "/p")):
            called = program_of(word)
            if called is not None and (command is None or _calls_another(words, position)):
                command = _Command(called, position, set(), all_words, is_of_pairs)
        elif position not in found and following is not None and _is_told(word, following, names):
            found[position + 1] = MARK
        if command is not None:
            if position not in found:
                for place, argument in _of_program(command, words, position, names):
                    found.setdefault(place, argument)
            command.seen.add(word)
    return found


_STORES_OF_PAIRS = ("secret/", "kv/", "cubbyhole/")


def _calls_another(words: Sequence[str], position: int) -> bool:
    """Whether the name of a program calls it: not where it is what another one is about (`vault write mysql`)."""
    return (
        position == 0
        or words[position - 1].startswith("-")
        or words[position - 1] in _CALLERS
        or "/" in words[position]
    )


_CALLERS = frozenset(
    ("sudo", "env", "exec", "nohup", "time", "xargs", "then", "do", "else", "&&", "--", "timeout", "kubectl")
)


def _is_told(word: str, following: str, names: Names) -> bool:
    """Whether an option tells that the next argument is a secret."""
    option = _OPTION.fullmatch(word)
    if option is None or following.startswith("--") or names.telling(option[1]) is not Telling.YES:
        return False
    return not is_no_secret(option[1], following)


def _of_program(command: _Command, words: Sequence[str], position: int, names: Names) -> Iterator[tuple[int, str]]:
    """What one word of a program's arguments tells of itself, or of the next one."""
    name, word = command.program, words[position]
    program = _PROGRAMS[name]
    following = words[position + 1] if position + 1 < len(words) else None
    behind = program.only_behind is None or program.only_behind in (
        command.all if program.only_behind == _SECURE_STRING else command.seen
    )
    for option in program.secret if behind else ():
        if word == option and following and not following.startswith("--") and not is_no_secret(option, following):
            yield position + 1, MARK
        elif (
            name not in _NEVER_ATTACHED and word.startswith(option) and option[1] != "-" and _is_attached(word, option)
        ):
            yield position, f"{option}{MARK}"
        elif (
            option.startswith("--")
            and word.startswith(f"{option}=")
            and not is_no_secret(option, word[len(option) + 1 :])
        ):
            yield position, f"{option}={MARK}"
    for option in program.user:
        separator = _SEPARATORS.get(name, ":")
        if word == option and following:
            yield from _user_and_password(position + 1, "", following, separator)
        elif word.startswith(f"{option}=") and option.startswith("--"):
            yield from _user_and_password(position, f"{option}=", word[len(option) + 1 :], separator)
        elif word.startswith(option) and word != option and not option.startswith("--"):
            yield from _user_and_password(position, option, word[len(option) :], separator)
    yield from _positional(command, words, position)
    if name in _WITH_SETTERS and following and not word.startswith("-") and not following.startswith("-"):
        told = names.telling(word.rpartition(":")[2] or word) is Telling.YES or _is_last_told(word, names)
        if told and not _SETTERS.isdisjoint(command.seen) and not is_no_secret(word, following):
            yield position + 1, MARK


def _is_last_told(word: str, names: Names) -> bool:
    return names.telling(word.rpartition(".")[2]) is Telling.YES


def _is_attached(word: str, option: str) -> bool:
    """Whether what stands behind a short option in the same argument is its value, not another word's end."""
    rest = word[len(option) :]
    return len(rest) > 1 and not is_no_secret("password", rest.removeprefix("="))


def _user_and_password(position: int, option: str, value: str, separator: str = ":") -> Iterator[tuple[int, str]]:
    user, found, password = value.partition(separator)
    if password and not is_no_secret("password", password) and not password.startswith("//"):
        yield position, f"{option}{user}{found}{MARK}"


def _positional(command: _Command, words: Sequence[str], position: int) -> Iterator[tuple[int, str]]:
    """What is told by a word that is no option, or by where one stands."""
    name, begin, word = command.program, command.begin, words[position]
    for told, between in _PROGRAMS[name].words:
        if word == told or (position == begin and told == name):
            near = range(position + 1, min(len(words), position + 1 + _MOST_OPTIONS))
            behind = [place for place in near if not words[place].startswith("-")]
            if len(behind) > between and not is_no_secret("password", words[behind[between]]):
                place = behind[between]
                pair = _ASSIGNMENT.fullmatch(words[place]) if name == "vault" else None
                if pair is None:
                    yield place, MARK
                elif _is_secret_of_vault(pair["head"]):
                    yield place, f"{pair['head']}{MARK}"
    if name == "openssl" and (match := _PASS.match(word)) is not None:
        yield position, f"{match[0]}{MARK}"
    elif name in ("htpasswd", "mosquitto_passwd") and position == len(words) - 1 and position > begin:
        if any(re.match(r"-\w*b", other) for other in words[begin:]):
            yield position, MARK
    elif name == "kubectl" and "--from-literal" in word and "secret" in command.seen:
        yield from _literal(position, word, words)
    elif name == "vault" and not _VAULT_WRITES.isdisjoint(command.seen) and not word.startswith("-"):
        pair = _ASSIGNMENT.fullmatch(word)
        if (
            pair is not None
            and (command.is_of_pairs or _is_secret_of_vault(pair["head"]))
            and not is_no_secret("password", pair["value"])
        ):
            yield position, f"{pair['head']}{MARK}"
    elif name in _OF_ORACLE and (login := _ORACLE_LOGIN.fullmatch(word)) is not None and position > begin:
        if not is_no_secret("password", login["value"]):
            yield position, f"{login['head']}{MARK}{word[login.end('value') :]}"


_OF_ORACLE = frozenset("sqlplus sqlldr expdp impdp exp imp rman sqlcl".split())
_OF_ROLES = frozenset(
    ("role_id=", "policies=", "ttl=", "max_ttl=", "token_ttl=", "role=", "type=", "username=", "token_policies=")
)


def _is_secret_of_vault(head: str) -> bool:
    """Whether a pair that is written into Vault has the name of a secret."""
    return head not in _OF_ROLES and _SECRET_OF_VAULT.search(head) is not None


_SECRET_OF_VAULT = re.compile(r"secret|pass|token|key|cred|pw", re.IGNORECASE)


def _literal(position: int, word: str, words: Sequence[str]) -> Iterator[tuple[int, str]]:
    """`kubectl create secret generic x --from-literal=key=value`, or with the pair in an argument of its own."""
    if word == "--from-literal" and position + 1 < len(words):
        position, word = position + 1, words[position + 1]
    head, separator, value = word.removeprefix("--from-literal=").partition("=")
    if separator and value and not value.startswith(MARK):
        yield position, f"{word[: len(word) - len(head) - 1 - len(value)]}{head}={MARK}"


def piped_secrets(words: Sequence[str], receiver: str) -> dict[int, str]:
    """Of a command whose output goes to another one: the arguments that this one reads as a secret, without it.

    Args:
        words: the command and its arguments, unquoted.
        receiver: the line of what its output goes to.
    """
    if not words or words[0].rpartition("/")[2] not in ("echo", "printf") or _READS_PIPE.search(receiver) is None:
        return {}
    found: dict[int, str] = {}
    for position, word in enumerate(words[1:], 1):
        if not word or word.startswith("-") or word in ("%s", "%s\\n", "\\n") or is_no_secret("password", word):
            continue
        if _USER_BEFORE.search(receiver) is not None and ":" in word:
            found.update(_user_and_password(position, "", word))
        else:
            found[position] = MARK
    return found
