"""Secrets in the lines of configuration files where a blank, or an element, parts the name from its value.

Sources: redis.conf, nginx.conf, Apache's and Fluent Bit's configuration ("name value"); netrc(5); PostgreSQL,
"The Password File"; Terraform, "Input Variables"; what programming languages call with a name and a value.
"""

import re
from collections.abc import Iterator, Sequence

from forwarder.redaction.names import LONGEST_NAME, Names, Telling
from forwarder.redaction.rules import MARK, Rule, Tell, replaced
from forwarder.redaction.values import is_no_secret, is_qualified_name

_LONGEST_LINE = 2000
_NAME = rf"[A-Za-z_][\w.-]{{1,{LONGEST_NAME - 1}}}+"
_VALUE = r"\"[^\"\n]+\"|'[^'\n]+'"
# `requirepass X`, `password "X"`, and no more in the line.
_NAME_AND_VALUE = re.compile(
    rf"[ \t]*+(?:-[ \t]+)?[:\"']?(?P<name>{_NAME})[\"']?[ \t]++"
    rf"(?P<value>{_VALUE}|[^\s\"'=:#{{(\[|>&*!<-](?:[^\s;]|;(?=\S))*+)"
    r"[ \t]*;?[ \t]*\r?"
)
# `proxy_set_header X-Api-Key X;`, `SetEnv DB_PASSWORD X`: what stands in front says that a name and a value follow.
_DIRECTIVE = re.compile(
    r"[ \t]*+(?:(?:proxy|grpc|uwsgi|scgi|fastcgi)_set_header|fastcgi_param|uwsgi_param|add_header|SetEnv"
    r"|more_set_headers|(?:Request)?Header[ \t]+(?:set|add)|(?:http-request[ \t]+)?(?:set|add)-header"
    r"|header_up|(?:set|ENV|env|setenv|setx|#?define|set[ \t]+-\w+|auth|config[ \t]+set)|request_header)"
    rf"[ \t]++\$?(?P<name>{_NAME})[ \t]++(?P<value>{_VALUE}|[^\r\n;]+?)[ \t]*;?[ \t]*\r?"
)
_SENTINEL = re.compile(r"[ \t]*+sentinel[ \t]+auth-pass[ \t]+\S+[ \t]+(?P<value>\S+)[ \t]*\r?")
# `machine h login u password X`; HAProxy's `user u insecure-password X`.
_BEHIND_USER = re.compile(
    r"(?<!\S)(?:machine|login|user|account|username)[ \t]+\S+(?:[ \t\r\n]+(?:login|account)[ \t]+\S+)?"
    rf"[ \t\r\n]+(?:insecure-password|password|passwd)[ \t]+(?P<value>{_VALUE}|[^\s\"']+)"
)
# A user of Redis' ACL (`user ada on >X ~* +@all`).
# HAProxy's `stats auth user:X`.
_STATS_AUTH = re.compile(r"[ \t]*+stats[ \t]+auth[ \t]+[^\s:]+:(?P<value>\S+)[ \t]*\r?")
_REDIS_USER = re.compile(r"[ \t]*+(?:user|ACL[ \t]+SETUSER)[ \t]+\S+[^\n>]*?[ \t][>](?P<value>\S+)[^\n]*")
# ipsec.secrets of strongSwan: `%any : PSK "X"`.
_IPSEC = re.compile(rf"[^\n:]*:[ \t]+(?:PSK|EAP|XAUTH|NTLM)[ \t]+(?P<value>{_VALUE}|\S+)[ \t]*\r?")
# Squid's `login=user:X`.
_LOGIN = re.compile(r"[^\n]*?\blogin=[^\s:=]{1,100}:(?P<value>\S+)[^\n]*")
# Of network devices: `username ada password 7 X`, `encrypted-password "X"`.
_AT_END = re.compile(
    rf"[^\n]*?[ \t](?:[\w-]*password|secret|passphrase)[ \t]+(?:[0-9][ \t]+)?"
    rf"(?P<value>{_VALUE}|(?=[^\s;]*[0-9!#$%^&*+/=_])[^\s\"';:=,.()]{{6,}})[ \t]*;?[ \t]*\r?"
)
_LINES = (_AT_END, _IPSEC, _LOGIN, _SENTINEL, _STATS_AUTH, _REDIS_USER)
_WORDS_OF_SENTENCES = frozenset(
    (
        *(
            "is",
            "are",
            "was",
            "were",
            "be",
            "must",
            "may",
            "can",
            "for",
            "to",
            "from",
            "of",
            "in",
            "on",
            "and",
            "or",
            "not",
        ),
        *("expired", "expires", "invalid", "required", "missing", "here", "authentication", "authorization", "auth"),
        *("reset", "rotation", "policy", "manager", "store", "management", "based", "validation", "review", "reviewer"),
        *(
            "name",
            "names",
            "key",
            "keys",
            "value",
            "values",
            "file",
            "files",
            "string",
            "field",
            "the",
            "a",
            "an",
            "with",
        ),
        *("cleaner", "controller", "provider", "generator", "server", "service", "ref", "type", "id", "optional"),
    )
)
# Of nginx: where a request is passed to.
_NGINX_PASS = re.compile(r"(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass")
_PLAIN_WORD = re.compile(r"[A-Z]?[a-z]+[.,:]?")
_PGPASS = re.compile(
    r"^(?P<kept>[^:#\s][^:\n]*:(?:\d{1,5}|\*):(?:[^:\n\\]|\\.)*:(?:[^:\n\\]|\\.)*:)(?P<value>[^\r\n]+)", re.MULTILINE
)
_TERRAFORM = re.compile(rf"\b(?:variable|output)[ \t]+\"(?P<name>{_NAME})\"[ \t]*\{{")
_DEFAULT = re.compile(
    r"(?P<outside>\n\}|\bvariable[ \t]+\")|\b(?:default|value)[ \t]*=[ \t]*\"(?P<value>(?:[^\"\\\n]|\\.)+)\""
)
_LONGEST_VARIABLE = 1000
# `define('DB_PASSWORD', 'X')`, `.header("X-Api-Key", "X")`, `{default_pass, <<"X">>}`.
_CALL = re.compile(
    rf"[({{][ \t\r\n]*+(?P<quote>\\{{0,7}}[\"'])?(?P<name>{_NAME})"
    r"(?(quote)(?P=quote)|(?<=\w)(?=,[ \t]*(?:<<|[\"'])))[ \t]*,[ \t\r\n]*+(?:<<)?"
    r"(?P<open>\\{0,7}[\"'])(?P<value>[^\"'\\\n]+)(?P=open)"
)
_ELEMENT = re.compile(
    r"<(?P<tag>[A-Za-z_][\w:.-]{0,100})(?P<attributes>(?:\s[^<>]{0,200})?)>\s*+"
    r"(?:<!\[CDATA\[(?P<raw>(?:[^\]]|\](?!\]>)){1,2000}+)\]\]>|(?P<value>[^<>]{1,2000}+))\s*</(?P=tag)>"
)
_NESTED = re.compile(
    rf"<[A-Za-z][^<>]{{0,200}}\b(?:name|key)\s*=\s*[\"'](?P<name>{_NAME})[\"'][^<>]{{0,200}}>\s*"
    r"<(?:value|string|text)>(?P<value>[^<>]+)"
)
_NAMED = re.compile(rf"\b(?:name|key|id)\s*=\s*[\"'](?P<name>{_NAME})[\"']")
_NAME_ELEMENT = re.compile(r"(?:.*[_:.-])?(?:name|key)", re.IGNORECASE)
_LONGEST_ADDRESS = 200
# YAML 1.2, section 8.2.2: `? password`, and in the next line `: X`.
_EXPLICIT = re.compile(
    rf"^[ \t]*+(?:-[ \t]+)?\?[ \t]+[\"']?(?:[\w.-]+[ ])*(?P<name>{_NAME})[\"']?"
    r"[ \t]*\r?\n[ \t]*+:[ \t]+(?P<value>[^\r\n]+)",
    re.MULTILINE,
)
# Oracle's JDBC addresses, and what sqlplus and others connect with.
_ORACLE = re.compile(r"oracle:(?:thin|oci8?):(?P<user>[^/@\s\"']{1,100})/(?P<value>[^@\s\"']{1,200})@")


def redact_elements(text: str, names: Names, tell: Tell) -> str:
    """Elements of XML: `<password>X</password>`, `<property name="password">X…`, `<key>token</key><value>X…`."""
    if "</" not in text:
        return text
    edits: list[tuple[int, int, str]] = []
    told_by: tuple[str, int] = ("", -1)
    for element in _ELEMENT.finditer(text):
        group = "raw" if element["raw"] is not None else "value"
        value = element[group].strip()
        tag = element["tag"].rpartition(":")[2]
        named = _NAMED.search(element["attributes"])
        telling = [tag, *([named["name"]] if named is not None else [])]
        if 0 <= told_by[1] <= element.start() and not text[told_by[1] : element.start()].strip():
            telling.append(told_by[0])
        if _NAME_ELEMENT.fullmatch(tag) is not None and len(value) <= LONGEST_NAME:
            told_by = (value, element.end())
        if any(names.telling(name) is Telling.YES and not is_no_secret(name, value) for name in telling):
            begin = element.start(group) + element[group].index(value)
            edits.append((begin, begin + len(value), MARK))
    edits += (
        (*nested.span("value"), MARK)
        for nested in _NESTED.finditer(text)
        if names.telling(nested["name"]) is Telling.YES and not is_no_secret(nested["name"], nested["value"])
    )
    return _edited(text, edits, tell)


def redact_calls(text: str, names: Names, tell: Tell) -> str:
    """A name and a value in quotes, separated by a comma, behind an opening bracket; Terraform's variables."""
    edits: list[tuple[int, int, str]] = []
    if "," in text and ("(" in text or "{" in text):
        edits += (
            (*call.span("value"), MARK)
            for call in _CALL.finditer(text)
            if names.telling(call["name"]) is Telling.YES and not is_no_secret(call["name"], call["value"])
        )
    if 'variable "' in text or 'output "' in text:
        for variable in _TERRAFORM.finditer(text):
            default = _DEFAULT.search(text, variable.end(), variable.end() + _LONGEST_VARIABLE)
            if (
                default is not None
                and default["value"] is not None
                and names.telling(variable["name"]) is Telling.YES
                and not is_no_secret(variable["name"], default["value"])
            ):
                edits.append((*default.span("value"), MARK))
    return _edited(text, edits, tell)


def redact_lines(text: str, places: Sequence[int], names: Names, tell: Tell) -> str:
    """Lines in which a blank parts a name from its value; `places` are those of literals."""
    edits: list[tuple[int, int, str]] = []
    is_file = "\n" in text.strip()
    for begin, end in _lines_at(text, places):
        line = _DIRECTIVE.fullmatch(text, begin, end) or _NAME_AND_VALUE.fullmatch(text, begin, end)
        if line is not None and _is_told(line, names, is_file=is_file):
            edits.append((*line.span("value"), MARK))
        else:
            found = filter(None, (pattern.fullmatch(text, begin, end) for pattern in _LINES))
            edits += ((*one.span("value"), MARK) for one in found)
    if "? " in text:
        edits += (
            (*found.span("value"), MARK)
            for found in _EXPLICIT.finditer(text)
            if names.telling(found["name"]) is Telling.YES
            and not is_no_secret(found["name"], found["value"].strip("\"'"))
        )
    if "passw" in text:
        edits += (
            (*found.span("value"), MARK)
            for found in _BEHIND_USER.finditer(text)
            if not is_no_secret("password", found["value"].strip("\"'"))
        )
    return _edited(text, [edit for edit in edits if not text.startswith(MARK, edit[0])], tell)


def redact_pgpass(text: str, tell: Tell) -> str | None:
    """A file of `host:port:database:user:password` with its passwords replaced; None for any other text."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines or not all(_PGPASS.match(line) for line in lines):
        return None
    edits = [(*line.span("value"), MARK) for line in _PGPASS.finditer(text) if line["value"] != MARK]
    return _edited(text, edits, tell)


def redact_oracle(text: str, tell: Tell) -> str:
    """`jdbc:oracle:thin:user/password@…`."""
    if "oracle:" not in text:
        return text
    edits = [
        (*found.span("value"), MARK) for found in _ORACLE.finditer(text) if not is_no_secret("password", found["value"])
    ]
    return _edited(text, edits, tell, Rule.ADDRESS)


def _edited(text: str, edits: list[tuple[int, int, str]], tell: Tell, rule: Rule = Rule.TELLING_NAME) -> str:
    if not edits:
        return text
    tell(rule)
    return replaced(text, edits)


def _lines_at(text: str, places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where the lines stand that have one of the places, each once; without those that are too long for such a file."""
    done = -1
    for place in places:
        if place < done:
            continue
        begin = text.rfind("\n", max(0, done), place) + 1 if done > 0 or place else 0
        begin = max(begin, done, 0)
        end = text.find("\n", place)
        end = done = len(text) if end < 0 else end
        if end - begin <= _LONGEST_LINE:
            yield begin, end


def _is_told(line: re.Match[str], names: Names, *, is_file: bool) -> bool:
    """Whether the name of a line tells, and its value is no word of a sentence."""
    name, value = line["name"], line["value"]
    plain = value.strip("\"'")
    if _NGINX_PASS.fullmatch(name) is not None:
        return False
    if names.telling(name) is not Telling.YES or is_no_secret(name, plain) or is_qualified_name(plain):
        return False
    if value != plain or line.re is _DIRECTIVE:
        return True
    if plain.rstrip(".,:;").lower() in _WORDS_OF_SENTENCES:
        return False
    # Two words alone may be a title; in a file of several lines, or with digits, they are a setting.
    return is_file or _PLAIN_WORD.fullmatch(plain) is None
