"""Secrets inside of one text: what stands in a string of a record, decoded.

A text is read as what it looks like: JSON, an address or a request URI, lines of YAML or of an env file, a command, or
words. Whatever is found, it is replaced within this text only, so that nothing of the record around it can change.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol
from urllib.parse import quote, unquote, unquote_plus

import orjson

from forwarder.redaction.assignments import SECRET_WORD, Assignments, Kind
from forwarder.redaction.command_lines import changes_secret, piped_secrets, redacted_arguments, redirected_secrets
from forwarder.redaction.files import redact_calls, redact_elements, redact_lines, redact_oracle
from forwarder.redaction.go_dumps import redact_dumps
from forwarder.redaction.json_text import encoded, end_of_json, unescaped
from forwarder.redaction.literals import SHORTEST, Literals
from forwarder.redaction.looks import redact_looks
from forwarder.redaction.manifests import redact_manifests
from forwarder.redaction.names import LONGEST_NAME, Names, Telling
from forwarder.redaction.programs import READS_PIPE
from forwarder.redaction.rules import MARK, Rule, Tell, replaced
from forwarder.redaction.sql import redact_statements
from forwarder.redaction.values import is_no_secret, looks_random


class JsonRedactor(Protocol):
    """Redacts JSON inside of a text."""

    def __call__(self, text: str, tell: Tell, depth: int, *, of_secrets: bool) -> str:
        """The JSON without its secrets."""


# Texts inside of texts: JSON in a YAML file in a ConfigMap in an annotation.
DEPTH = 5
_JSON_BEGINS = re.compile(r'\s*+(?:\{\s*+["}]|\[\s*+["{\[])')


class Texts:
    """Redacts texts by the rules of docs/redaction.md.

    Args:
        names: which names tell.
        patterns: of the operator: whatever they match is a secret.
        literals: without one of them a text has no secret.
        redact_json: for JSON inside of a text.
    """

    def __init__(
        self, names: Names, patterns: Sequence[re.Pattern[str]], literals: Literals, redact_json: JsonRedactor
    ) -> None:
        self._names = names
        self._patterns = patterns
        self._literals = literals
        self._redact_json = redact_json

    def redact(self, text: str, kind: Kind, tell: Tell, depth: int = DEPTH, *, of_secrets: bool = False) -> str:
        """The text without its secrets; as it is where it has none.

        Args:
            text: decoded.
            kind: what it is.
            tell: is told the rules that replaced something.
            depth: how many texts within it are looked into.
            of_secrets: whether it belongs to a request about Secrets.
        """
        for pattern in self._patterns:
            text = _sub(pattern, MARK, text, Rule.OPERATOR, tell)
        places = self._literals.within(text) if len(text) >= SHORTEST else []
        if not places and not of_secrets:
            return text
        if depth > 0 and (_JSON_BEGINS.match(text) is not None or (text.startswith('"') and is_json(text))):
            text = self._redact_json(text, tell, depth - 1, of_secrets=of_secrets)
            if is_json(text):
                return text
        of_secrets = of_secrets or _CHANGES_SECRET.search(text) is not None
        embedded = self._redact_embedded(text, kind, tell, depth, of_secrets=of_secrets)
        looked_at = self._redact_by_look(embedded, tell)
        if depth > 0 and ("=" in looked_at or "%3" in looked_at):
            looked_at = self._redact_queries(looked_at, tell, depth - 1)
        if kind is Kind.DOCUMENT and _SHELL_SCRIPT.match(looked_at) is not None and "<<" not in looked_at:
            kind = Kind.SCRIPT
        redacted = self._redact_by_grammar(looked_at, kind, tell)
        return self._redact_by_name(
            redacted, places if redacted is text else self._literals.within(redacted), kind, tell
        )

    def _redact_by_grammar(self, text: str, kind: Kind, tell: Tell) -> str:
        """What is a secret by the grammar of manifests, dumps, SQL, XML or a call."""
        if kind is not Kind.PROSE and "ecret" in text and ("kind" in text or "secretGenerator" in text):
            text = redact_manifests(text, tell)
        text = redact_dumps(redact_oracle(text, tell), tell)
        return redact_calls(redact_elements(redact_statements(text, tell), self._names, tell), self._names, tell)

    def _redact_by_name(self, text: str, places: Sequence[int], kind: Kind, tell: Tell) -> str:
        """What stands behind a telling name, or among the arguments of a command."""
        assigned = Assignments(text, kind, self._names).redacted(places, tell)
        places = places if assigned is text else self._literals.within(assigned)
        text = _redact_options(assigned, places, kind, self._names, tell)
        if kind in (Kind.DOCUMENT, Kind.SCRIPT):
            text = redact_lines(text, places if text is assigned else self._literals.within(text), self._names, tell)
        if " " in text and (kind is Kind.SCRIPT or (kind is not Kind.PROSE and self._has_command(text))):
            text = _redact_commands(text, self._names, tell)
        return text

    def _has_command(self, text: str) -> bool:
        return self._literals.name_command(text) or _COMMAND.search(text) is not None

    def _redact_embedded(self, text: str, kind: Kind, tell: Tell, depth: int, *, of_secrets: bool) -> str:
        """JSON that stands in a text between other words, as it is or as a string within a string."""
        if depth <= 0 or '"' not in text or ("{" not in text and "[" not in text):
            return text
        pieces: list[str] = []
        done = 0
        while (begins := _EMBEDDED.search(text, done)) is not None:
            begin, slashes = begins.start(), begins["slashes"]
            if slashes:
                end = _end_of_escaped(text, begins.end(), len(slashes))
                inner = unescaped(text[begin:end])
                piece = text[begin:end]
                if inner is not None:
                    redacted = self.redact(inner, kind, tell, depth - 1, of_secrets=of_secrets)
                    piece = piece if redacted == inner else encoded(redacted)[1:-1]
            else:
                end = end_of_json(text, begin)
                piece = self._redact_json(text[begin:end], tell, depth - 1, of_secrets=of_secrets)
            pieces += (text[done:begin], piece)
            done = end
        return "".join(pieces) + text[done:] if done else text

    def _redact_by_look(self, text: str, tell: Tell) -> str:
        text = redact_looks(text, tell)
        if "PRIVATE KEY" in text:
            text = _sub(_PEM, rf"\g<1>{MARK}", text, Rule.PRIVATE_KEY, tell)
        if "LS0tLS1CRUdJTi" in text:
            text = _BASE64_PEM.sub(lambda found: _without_base64_key(found, tell), text)
        if "://" in text:
            text = _redact_addresses(text, tell)
        if "@" in text:
            text = _redact_go_dsns(text, tell)
        return _redact_schemes(text, tell)

    def is_secret(self, name: str, value: str) -> bool:
        """Whether the name tells that the value is a secret, and the value is none that plainly is not."""
        telling = self._names.telling(name)
        if telling is Telling.NO or is_no_secret(name, value):
            return False
        return telling is Telling.YES or looks_random(value)

    def _redact_queries(self, text: str, tell: Tell, depth: int) -> str:
        """Parameters of request URIs and addresses, percent- and plus-encoded as they may be."""
        found = list(_PARAMETER.finditer(text)) if "?" in text or "&" in text or ("#" in text and "://" in text) else []
        if not found and "%" not in text:
            return text
        commands = [match for match in found if match["name"] == "command"]
        scripts = {
            script.start()
            for option, script in pairwise(commands)
            if _SHELL_OPTION.fullmatch(option["value"]) is not None
        }
        words = [unquote_plus(match["value"]) for match in commands]
        secret = redacted_arguments(words, self._names)
        of_secrets = changes_secret(words)
        values = {commands[place].start(): value for place, value in secret.items()}
        if values:
            tell(Rule.ARGUMENT)

        def parameter(match: re.Match[str]) -> str:
            kind = Kind.SCRIPT if match.start() in scripts else Kind.ARGUMENT
            value = values.get(match.start()) or self._redact_parameter(
                match["name"], match["value"], kind, tell, depth, of_secrets=of_secrets
            )
            return f"{match['name']}={value}"

        if found:
            text = _PARAMETER.sub(parameter, text)
        return self._redact_path(text, tell, depth) if text.startswith("/") else text

    def _redact_parameter(self, name: str, value: str, kind: Kind, tell: Tell, depth: int, *, of_secrets: bool) -> str:
        decoded = unquote_plus(value)
        name = unquote_plus(name)
        if _SIGNING.fullmatch(name) is not None and not decoded.startswith(MARK):
            tell(Rule.SIGNATURE)
            return MARK
        if self.is_secret(name, decoded):
            tell(Rule.TELLING_NAME)
            return MARK
        redacted = self.redact(decoded, kind, tell, depth, of_secrets=of_secrets)
        return value if redacted == decoded else quote(redacted, safe=_SAFE, errors="replace")

    def _redact_path(self, text: str, tell: Tell, depth: int) -> str:
        path, separator, rest = text.partition("?")
        if "%" not in path:
            return text
        decoded = unquote(path)
        redacted = self.redact(decoded, Kind.PROSE, tell, depth)
        return text if redacted == decoded else quote(redacted, safe=_SAFE, errors="replace") + separator + rest


def is_json(text: str) -> bool:
    """Whether the whole text is JSON."""
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


# Where JSON begins in a text: the first name or item, and the backslashes before its quotes.
_EMBEDDED = re.compile(
    r'\{(?:\s|\\[nrt])*+(?P<slashes>(?:\\\\)*+\\|)"(?=[^"\\]{0,300}+(?P=slashes)"(?:\s|\\[nrt])*+:)'
    r"|\[(?:\s|\\[nrt])*+(?=\{(?:\s|\\[nrt])*+\\*+\")"
)
_QUOTE_AND_SLASHES = re.compile(r'(\\*+)"')
_COMMAND = re.compile(r"\b(?:echo|printf|configure set|config set|secret create|secrets set)\b")
_CHANGES_SECRET = re.compile(r"\bpatch\s+secrets?[\s/]")
_SHELL_SCRIPT = re.compile(r"#![^\n]*\b(?:sh|bash|dash|ash|zsh|ksh)\b")


def _end_of_escaped(text: str, position: int, slashes: int) -> int:
    """Where the string ends in which JSON's quotes have so many backslashes: at a quote that has fewer."""
    for found in _QUOTE_AND_SLASHES.finditer(text, position):
        if len(found[1]) < slashes:
            return found.start()
    return len(text)


_SAFE = "()/:@,*~$' "
_SHELL_OPTION = re.compile(r"-[a-z]*c")
_PARAMETER = re.compile(r"(?<=[?&#])(?P<name>[\w.~%+\[\]-]{1,128}+)=(?P<value>[^&#\s\"'<>`]*+)")
_SIGNING = re.compile(r"x-amz-(?:signature|security-token)", re.IGNORECASE)


def _sub(pattern: re.Pattern[str], replacement: str, text: str, rule: Rule, tell: Tell) -> str:
    redacted, number = pattern.subn(replacement, text)
    if number and redacted != text:
        tell(rule)
        return redacted
    return text


# RFC 7468, and OpenPGP's armour (RFC 9580, section 6.2). Without its end, to the end of the text.
_PEM = re.compile(r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)(?!\(redacted\))(?:[^-]|-(?!----))++")
_BASE64_PEM = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/_-]{20,}+={0,2}")


def _without_base64_key(found: re.Match[str], tell: Tell) -> str:
    """Certificates are written in base64 as well, and stay."""
    try:
        head = base64.b64decode(found[0][:80])
    except (binascii.Error, ValueError):
        return found[0]
    if b"PRIVATE KEY" not in head:
        return found[0]
    tell(Rule.PRIVATE_KEY)
    return MARK


# From an address's `://` to where the word ends.
_ADDRESS = re.compile(r"://[^\s\"']++")
_USER_AND_PASSWORD = re.compile(r"(?P<user>[^/:@?#]{0,256}):(?!//)(?P<password>.+)", re.DOTALL)
_PORT_AND_PATH = re.compile(r"[0-9]{1,5}(?:[/?#,]|$)")
_LONG_USER = re.compile(r"(?=[^0-9]*[0-9])[\w.~%+=-]{16,256}")


def _redact_addresses(text: str, tell: Tell) -> str:
    """Passwords in addresses, whatever they hold, and tokens that stand as a user."""
    return _ADDRESS.sub(lambda found: _without_password(found[0], tell), text)


def _without_password(word: str, tell: Tell) -> str:
    at = word.rfind("@")
    while at > 0 and word.startswith("sha256:", at + 1):
        at = word.rfind("@", 0, at)
    begin = 0
    while 0 <= begin < at:
        begin += 3
        user_info = word[begin:at]
        match = _USER_AND_PASSWORD.fullmatch(user_info)
        if match is None:
            if _LONG_USER.fullmatch(user_info) is None:
                begin = word.find("://", begin)
                continue
            secret = begin
        elif _PORT_AND_PATH.match(match["password"]) is not None:
            begin = word.find("://", begin)
            continue
        else:
            secret = begin + match.start("password")
        if is_no_secret("password", word[secret:at]):
            return word
        tell(Rule.ADDRESS)
        return f"{word[:secret]}{MARK}{word[at:]}"
    return word


# go-sql-driver/mysql, "DSN": `user:password@protocol(address)/name`.
_GO_DSN = re.compile(r"@(?:tcp6?|udp|unix|cloudsql\w*)?\(")
_LONGEST_DSN_USER = 400
_BEFORE_DSN = (" ", "\n", "\t", '"', "'", "=", ",")


def _redact_go_dsns(text: str, tell: Tell) -> str:
    pieces: list[str] = []
    done = 0
    for found in _GO_DSN.finditer(text):
        end = found.start()
        begin = max(done, end - _LONGEST_DSN_USER)
        if text.find(":", begin, end) < 0:
            continue
        begin += max(text.rfind(stop, begin, end) + 1 - begin for stop in _BEFORE_DSN) if begin < end else 0
        colon = text.find(":", max(begin, done), end)
        if colon < 0 or is_no_secret("password", text[colon + 1 : end]):
            continue
        pieces += (text[done : colon + 1], MARK)
        done = end
        tell(Rule.ADDRESS)
    return "".join(pieces) + text[done:] if done else text


# RFC 6750 and 7617. Words about tokens ("invalid bearer token") have no digit and are short; tokens do, or are not.
_BEARER = re.compile(
    r"(?<![\w-])(bearer(?:\s{1,9}|:\s?|(?P<encoded>%20|\+)))(?!\(redacted\))"
    r"(?(encoded)|(?=[\w.~+/=%-]{0,400}?\d|[\w.~+/=%-]{20}))[\w.~+/=%-]{6,}+",
    re.IGNORECASE,
)
_SCHEME = re.compile(
    r"(?<![\w-])(authorization[\"'\\\]\[:= ]{1,12}+(?:basic|bearer|token|digest|negotiate|apikey)(?:\s{1,9}|%20|\+))"
    r"(?!\(redacted\))[\w.~+/=%:-]++",
    re.IGNORECASE,
)
_BASIC = re.compile(r"(?<![\w-])(basic(?:\s{1,9}|%20|\+))([A-Za-z0-9+/]{6,}+={0,2})", re.IGNORECASE)


def _redact_schemes(text: str, tell: Tell) -> str:
    if "earer" in text or "EARER" in text:
        text = _sub(_BEARER, rf"\g<1>{MARK}", text, Rule.BEARER_TOKEN, tell)
    if "uthorization" in text or "UTHORIZATION" in text:
        text = _sub(_SCHEME, rf"\g<1>{MARK}", text, Rule.AUTHORIZATION, tell)
    if "asic" in text or "ASIC" in text:
        text = _BASIC.sub(lambda found: _without_basic(found, tell), text)
    return text


def _without_basic(found: re.Match[str], tell: Tell) -> str:
    if not is_user_and_password(found[2]):
        return found[0]
    tell(Rule.AUTHORIZATION)
    return f"{found[1]}{MARK}"


def is_user_and_password(text: str) -> bool:
    """Whether the text is base64 of `user:password`, as basic authentication and docker's `auth` have it."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    return ":" in decoded and decoded.isprintable()


_OPTION = re.compile(
    r"(?<![\w-])(?P<option>--?(?P<name>[A-Za-z][\w.-]{0,100}+)[ \t]+)(?P<value>\"[^\"]*\"?|'[^']*'?|[^\s\"'\-(][^\s]*)"
)


def _redact_options(text: str, places: Sequence[int], kind: Kind, names: Names, tell: Tell) -> str:
    """`--password X` within a line."""
    pieces: list[str] = []
    done = 0
    searched = 0
    for place in places if "-" in text and " " in text else ():
        if place + LONGEST_NAME <= searched:
            continue
        searched = place + 4 * LONGEST_NAME
        begin = max(done, place - LONGEST_NAME)
        while (near := _OPTION.search(text, begin, searched)) is not None:
            option = _OPTION.match(text, near.start()) or near
            begin = option.end("name")
            name, value = option["name"], option["value"].strip("\"'")
            if names.telling(name) is not Telling.YES or is_no_secret(name, value):
                continue
            if kind is not Kind.PROSE or SECRET_WORD.fullmatch(value) is not None:
                pieces += (text[done : option.start("value")], MARK)
                done = begin = option.end()
                tell(Rule.ARGUMENT)
    return "".join(pieces) + text[done:] if done else text


# A word, or what ends one command and begins another one: `a; b`, `$(b)`.
_SHELL_WORD = re.compile(
    r"(?:\(redacted\)|[^\s\"'\\;|&<>()`]|\\.|\"(?:[^\"\\]|\\.)*+\"?|'[^']*+'?)++|(?P<end>[;|&\n]+|[()`]+)|<<<|[<>]+",
    re.DOTALL,
)
# `<<EOF | docker login --password-stdin`, and the lines up to the word.
_HERE_DOCUMENT = re.compile(
    r"<<-?[ \t]*[\"']?(?P<end>\w+)[\"']?(?P<receiver>[^\n]*)\n"
    r"(?P<value>[^\n]*(?:\n(?![ \t]*(?P=end)\b)[^\n]*)*)"
)


def _inner_scripts(
    command: Sequence[re.Match[str]], plain: Sequence[str], names: Names, tell: Tell, depth: int
) -> dict[int, str]:
    """Of a command that calls a shell: the script behind `-c` without its secrets, in its quotes."""
    found: dict[int, str] = {}
    for place, (option, script) in enumerate(pairwise(plain), 1):
        if option[:1] == "-" and depth and " " in script and _SHELL_OPTION.fullmatch(option) is not None:
            redacted = _redact_commands(script, names, tell, depth - 1)
            quoted = command[place][0][:1] if command[place][0][:1] in ('"', "'") else ""
            found |= {place: f"{quoted}{redacted}{quoted}"} if redacted != script else {}
    return found


def _redact_commands(text: str, names: Names, tell: Tell, depth: int = 3) -> str:
    """Arguments of well-known programs in a line of a shell, and what is handed to them by a pipe."""
    edits: list[tuple[int, int, str]] = []
    command: list[re.Match[str]] = []
    piped: list[re.Match[str]] = []
    for word in (*_SHELL_WORD.finditer(text), None):
        if word is not None and word.lastgroup is None:
            command.append(word)
            continue
        # Most have no secrets by their form alone, and a text may have very many.
        if len(command) > 1 or piped:
            plain = [match[0].strip("\"'") for match in command]
            found = redacted_arguments(plain, names)
            found.update(_inner_scripts(command, plain, names, tell, depth))
            found.update(redirected_secrets(plain, names))
            edits += ((command[place].start(), command[place].end(), found[place]) for place in found)
            secrets = piped_secrets([match[0].strip("\"'") for match in piped], plain)
            edits += ((piped[place].start(), piped[place].end(), secrets[place]) for place in secrets)
        piped = command if word is not None and word[0] == "|" and len(command) > 1 else []
        command = []
    documents = _HERE_DOCUMENT.finditer(text) if "<<" in text else ()
    edits += ((*one.span("value"), MARK) for one in documents if READS_PIPE.search(one["receiver"]) is not None)
    edits = [(begin, end, argument) for begin, end, argument in edits if text[begin:end].strip("\"'") != argument]
    if not edits:
        return text
    tell(Rule.ARGUMENT)
    return replaced(text, edits)
