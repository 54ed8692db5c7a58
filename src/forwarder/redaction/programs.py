"""Where well-known programs take secrets among their arguments, by their manuals."""

import re
from functools import lru_cache
from typing import NamedTuple


class Program(NamedTuple):
    """Where a program takes secrets.

    Attributes:
        secret: options whose value is a secret, whether it stands in the same argument (`-pX`) or in the next one.
        user: options whose value is a user and a password.
        words: words behind which an argument that is no option is a secret, and how many others stand between.
        only_behind: the word without which `secret` does not hold.
        separator: what parts the user from the password.
        is_attached: whether the value of an option of one dash may stand in the same argument.
    """

    secret: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    words: tuple[tuple[str, int], ...] = ()
    only_behind: str | None = None
    separator: str = ":"
    is_attached: bool = True


def _alike(names: str, program: Program) -> dict[str, Program]:
    return dict.fromkeys(names.split(), program)


# The type of a parameter of AWS Systems Manager whose value is a secret.
SECURE_STRING = "SecureString"
PROGRAMS: dict[str, Program] = {
    **_alike("mysql mysqldump mysqlimport mysqlcheck mysqlsh mysqlpump mysqlslap mysqlshow", Program(("-p",))),
    **_alike("mariadb mariadb-dump mycli mydumper", Program(("-p",))),
    **_alike("mysqladmin mariadb-admin", Program(("-p",), words=(("password", 0), ("old-password", 0)))),
    **_alike("mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop", Program(("-p",))),
    **_alike("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop", Program(("-w",))),
    "ldappasswd": Program(("-w", "-s", "-a")),
    "slappasswd": Program(("-s",)),
    **_alike("sshpass cqlsh beeline cypher-shell cbq couchbase-cli rabbitmqadmin kcadm twine poetry", Program(("-p",))),
    **_alike(
        "redis-cli valkey-cli keydb-cli redis-benchmark memtier_benchmark",
        Program(("-a", "--pass"), words=(("AUTH", 0), ("auth", 0), ("requirepass", 0), ("masterauth", 0))),
    ),
    **_alike("sqlcmd bcp tsql isql bsqldb mssql-cli ipmitool osql", Program(("-P",))),
    **_alike("mosquitto_pub mosquitto_sub mosquitto_rr", Program(("-P", "--pw"))),
    "curl": Program(("--oauth2-bearer", "--pass", "--proxy-pass"), ("-u", "--user", "-U", "--proxy-user")),
    **_alike("http https httpie xh ab hey wrk", Program((), ("-a", "-A", "--auth"))),
    **_alike("smbclient rpcclient smbget net", Program((), ("-U", "--user"), separator="%")),
    "lftp": Program((), ("-u", "--user"), separator=","),
    "etcdctl": Program(("--new-user-password",), ("--user", "add", "-u")),
    **_alike("snmpwalk snmpget snmpset snmpbulkwalk snmptrap snmptable", Program(("-A", "-X", "-c"))),
    **_alike("plink pscp psftp", Program(("-pw",), is_attached=False)),
    **_alike("zip unzip zipcloak", Program(("-P", "--password"))),
    **_alike("7z 7za 7zr rar unrar", Program(("-p", "-hp"))),
    **_alike("xfreerdp wlfreerdp", Program(("/p:",))),
    "openssl": Program(("-k", "-K"), words=(("passwd", 0),), is_attached=False),
    "ssh-keygen": Program(("-N", "-P")),
    "vault": Program(words=tuple((word, 0) for word in ("login", "unseal", "unwrap", "renew", "revoke", "lookup"))),
    "rabbitmqctl": Program(words=(("add_user", 1), ("change_password", 1), ("authenticate_user", 1))),
    "rclone": Program(words=(("obscure", 0),)),
    "ngrok": Program(words=(("authtoken", 0), ("add-authtoken", 0))),
    "snyk": Program(words=(("auth", 0),)),
    "cargo": Program(words=(("login", 0),)),
    "nuget": Program(words=(("setapikey", 0), ("setApiKey", 0))),
    "dotnet": Program(("-k", "--api-key"), only_behind="nuget"),
    **_alike("grafana grafana-cli", Program(words=(("reset-admin-password", 0),))),
    "neo4j-admin": Program(words=(("set-initial-password", 0),)),
    "wpa_passphrase": Program(words=(("wpa_passphrase", 1),)),
    "mc": Program(words=(("set", 2), ("set", 3), ("add", 2), ("add", 3))),
    "samba-tool": Program(words=(("create", 1),)),
    "radtest": Program(words=(("radtest", 1), ("radtest", 4))),
    "influx": Program(("-t", "-p")),
    **_alike("doctl vercel", Program(("-t",))),
    "swift": Program(("-K",)),
    **_alike("useradd usermod", Program(("-p",))),
    "gitlab-runner": Program(("-r",)),
    "gh": Program(("--body", "-b"), only_behind="secret"),
    "aws": Program(("--value",), only_behind=SECURE_STRING),
    **_alike(
        "skopeo crane podman buildah oras regctl nerdctl",
        Program(("-p",), ("--creds", "--src-creds", "--dest-creds"), only_behind="login"),
    ),
    **_alike("docker helm oc az flux argocd ibmcloud oci", Program(("-p",), only_behind="login")),
    "cf": Program(("-p",), words=(("auth", 1),), only_behind="login"),
    **_alike("sqlplus sqlldr expdp impdp exp imp rman sqlcl htpasswd mosquitto_passwd kubectl", Program()),
    **_alike("gcloud git npm yarn pip composer pulumi fly flyctl heroku nmcli", Program()),
}
# Of the type of a parameter, and of these words, a list of arguments may have nothing else that is looked for.
SUBCOMMANDS = frozenset(("login", "alias", "obscure", "authtoken", SECURE_STRING))
# Programs that are told a name and its value in two arguments: `aws configure set aws_secret_access_key X`.
OF_SETTINGS = frozenset(
    (
        *("aws", "rclone", "npm", "yarn", "git", "pulumi", "poetry", "composer", "pip", "helm", "nmcli", "heroku"),
        *("redis-cli", "valkey-cli", "dotnet", "gh", "az", "oc"),
    )
)
SETTERS = frozenset(
    ("connect", "modify", "set", "create", "update", "config", "--secret", "--add", "--global", "--location")
)
# `sqlplus user/X@db`.
OF_ORACLE = frozenset(("sqlplus", "sqlldr", "expdp", "impdp", "exp", "imp", "rman", "sqlcl"))
OF_PASSWORD_FILES = frozenset(("htpasswd", "mosquitto_passwd"))
# Behind one of these another program is called.
CALLERS = frozenset(
    ("sudo", "env", "exec", "nohup", "time", "xargs", "then", "do", "else", "&&", "--", "timeout", "kubectl")
)
# A path, and an ending, in front of and behind a program's name: `/usr/bin/mysql`, `mysql.exe`.
_PROGRAM = re.compile(r"(?:[^\s]*/)?([a-z7][a-z0-9_.-]{1,30}?)(?:\.exe|\.sh)?")
_LONGEST_PATH = 200
# Programs that read a secret from a pipe: by an option that says so, or always.
READS_PIPE = re.compile(
    r"\b(?:chpasswd|kinit|smbpasswd|cryptsetup|pdbedit|passwd|su)\b|\bread\s+-\w*s"
    r"|\bsudo\s+(?:-\w+\s+)*-\w*S|\bhtpasswd\s+(?:-\w+\s+)*-\w*i|\bvault\b[^|;]*-(?:\s|$)"
    r"|--\w*(?:password|token|secret|passphrase|key)\w*-(?:stdin|fd)\b"
    r"|--(?:password|token|with-token|stdin)\b(?:[= ]-)?"
    r"|\bkeystore\s+add\b|\bsecrets?\s+(?:create|set|put|versions)\b|\bauth\s+login\b"
    r"|\b(?:gpg2?|openssl)\b.*(?:passphrase-fd|stdin|-pass)"
)
# Of these, the ones that read `user:password`.
READS_USER = re.compile(r"\b(?:chpasswd|newusers)\b")


@lru_cache(maxsize=4096)
def program_of(word: str) -> str | None:
    """The well-known program that a word calls; None for any other word."""
    match = _PROGRAM.fullmatch(word) if len(word) < _LONGEST_PATH else None
    return match[1] if match is not None and match[1] in PROGRAMS else None
