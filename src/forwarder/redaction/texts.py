"""Secrets inside of one text: what stands in a string of a record, decoded.

A text is read as what it looks like: JSON, an address or a request URI, lines of YAML or of an env file, a command, or
words. Whatever is found, it is replaced within this text only, so that nothing of the record around it can change.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from typing import Protocol
from urllib.parse import quote, unquote, unquote_plus

import orjson

from forwarder.redaction.command_lines import redacted_arguments
from forwarder.redaction.literals import Hit, Literals
from forwarder.redaction.looks import redact_looks
from forwarder.redaction.names import LONGEST_NAME, Names, Telling
from forwarder.redaction.rules import MARK, Rule, Tell
from forwarder.redaction.values import is_no_secret, looks_random


class Kind(Enum):
    """What a text is: it decides how far a value reaches."""

    DOCUMENT = "lines of YAML, an env file, a script"
    ARGUMENT = "one argument of a command, or an environment variable's value"
    PROSE = "what a person reads: only words that look like secrets"


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
        hits = self._literals.within(text)
        if not hits and not of_secrets:
            return text
        if depth > 0 and (_JSON_BEGINS.match(text) is not None or (text.startswith('"') and is_json(text))):
            text = self._redact_json(text, tell, depth - 1, of_secrets=of_secrets)
            if is_json(text):
                return text
        whole, text = text, self._redact_by_look(text, tell)
        if depth > 0 and ("=" in text or "%3" in text):
            text = self._redact_queries(text, tell, depth - 1)
        if kind is not Kind.PROSE and "ecret" in text and "kind" in text:
            text = _redact_manifests(text, tell)
        text = _redact_elements(text, self._names, tell)
        hits = hits if text is whole else self._literals.within(text)
        assigned = Assignments(text, kind, self._names).redacted(hits, tell)
        hits = hits if assigned is text else self._literals.within(assigned)
        text = _redact_options(assigned, hits, kind, self._names, tell)
        if kind is not Kind.PROSE and " " in text and any(hit.is_command for hit in hits):
            text = _redact_commands(text, self._names, tell)
        return text

    def redact_by_look(self, text: str, tell: Tell) -> str:
        """The text without what is a secret whatever stands around it: also for names of users and of objects."""
        for pattern in self._patterns:
            text = _sub(pattern, MARK, text, Rule.OPERATOR, tell)
        return self._redact_by_look(text, tell) if self._literals.within(text) else text

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
        secret = redacted_arguments([unquote_plus(match["value"]) for match in commands], self._names)
        values = {commands[place].start(): value for place, value in secret.items()}
        if values:
            tell(Rule.ARGUMENT)

        def parameter(match: re.Match[str]) -> str:
            value = values.get(match.start()) or self._redact_parameter(match["name"], match["value"], tell, depth)
            return f"{match['name']}={value}"

        if found:
            text = _PARAMETER.sub(parameter, text)
        return self._redact_path(text, tell, depth) if text.startswith("/") else text

    def _redact_parameter(self, name: str, value: str, tell: Tell, depth: int) -> str:
        decoded = unquote_plus(value)
        name = unquote_plus(name)
        if _SIGNING.fullmatch(name) is not None and not decoded.startswith(MARK):
            tell(Rule.SIGNATURE)
            return MARK
        if self.is_secret(name, decoded):
            tell(Rule.TELLING_NAME)
            return MARK
        redacted = self.redact(decoded, Kind.ARGUMENT, tell, depth)
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


_SAFE = "()/:@,*~$' "
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


# A name, what closes it, and what separates it from its value.
_ASSIGNMENT = re.compile(
    rf"(?<![A-Za-z0-9_.])(?P<name>[A-Za-z_][\w.-]{{0,{LONGEST_NAME - 1}}}+)"
    r"(?P<close>\\{0,7}+[\"']?\]?)(?P<separator>[ \t]{0,3}(?:=>|:=|==?|:)[ \t]{0,99}+)"
)
_QUOTE = re.compile(r"(?P<slashes>\\{0,7}+)(?P<quote>[\"'])")
_LINE_HEAD = re.compile(
    r"[ \t]*(?:#\s*)?(?:-[ \t]+)?(?:(?:export|set|ENV|ARG|declare -x|--env|-e)[ \t]+)?(?:--?)?\\{0,7}[\"']?"
    r"(?:[^\s=]*/[^\s=]*:)?"
)
_LONGEST_HEAD = 300
_AROUND = 400
# A name, what closes it, and the separator with its blanks.
_LONGEST_ASSIGNMENT = 2 * LONGEST_NAME
_BLOCK = re.compile(r"[|>][-+]?[0-9]?[-+]?[ \t]*(?:#[^\n]*)?(?=\r?\n|$)")
_REST_OF_LINE = re.compile(r"[^\r\n]*")
# Not beyond where the next option of a list begins: `--token=…,--port=80`.
_WORD = re.compile(r"(?:[^\s,]|,(?!--?[A-Za-z]))+")
_IN_FLOW = re.compile(r"[^\s,}\]]+")
_OF_PARAMETER = re.compile(r"[^&\s\"']+")
_IN_BRACKETS = re.compile(r"\[[^\]\n]*\]?")
_SCHEME_WORD = re.compile(r"(?:basic|bearer|token|digest|negotiate|apikey)[ \t]+", re.IGNORECASE)
# In a sentence: a word with a digit or an unusual character, or a long one.
_SECRET_WORD = re.compile(r"(?=[^\s,;]{0,400}?[0-9!#$%^&*+/=_])[^\s,;]{6,}|[^\s,;]{16,}")
_MAYBE_RANDOM = re.compile(r"[A-Za-z0-9+/_=~-]{20,400}+(?![\w.-])")
_PAIR_NAMES = frozenset(("name", "key", "header", "variable"))
_PAIR_VALUES = frozenset(("value", "val", "values"))
_BETWEEN_PAIR = re.compile(r"[\s,;\"'\\]{0,80}(?:-[ \t]+)?[\"'\\]{0,8}")


class Assignments:
    """Finds `name=value`, `name: value` and their kin in one text, from its beginning to its end.

    Args:
        text: what to look through.
        kind: how far values reach: in a document to the end of the line, in a sentence to the end of the word.
        names: which names tell.
    """

    def __init__(self, text: str, kind: Kind, names: Names) -> None:
        self._text = text
        self._kind = kind
        self._names = names
        self._line_begin = 0
        self._line_seen = 0
        # Of a pair (`- name: X`, `value: Y`): whether the name tells, and where it ends; and the value.
        self._pair_name: tuple[bool, int] = (False, -1)
        self._pair_value: re.Match[str] | None = None
        self._edits: list[tuple[int, int]] = []

    def redacted(self, hits: Sequence[Hit], tell: Tell) -> str:
        """The text with MARK for every value of a telling name; `hits` are the literals that names have."""
        position = searched = 0
        for place, _ in hits:
            # Only around them, since most of a long text is of no interest; and there only once.
            if place + _LONGEST_ASSIGNMENT <= searched:
                continue
            position, searched = max(position, place - _AROUND), place + 4 * _AROUND
            while (match := _ASSIGNMENT.search(self._text, position, searched)) is not None:
                position = max(self._follow(match), match.end("name") + 1)
        if not self._edits:
            return self._text
        tell(Rule.TELLING_NAME)
        pieces: list[str] = []
        done = 0
        for begin, end in sorted(self._edits):
            if begin >= done:
                pieces += (self._text[done:begin], MARK)
                done = end
        return "".join(pieces) + self._text[done:]

    def _follow(self, match: re.Match[str]) -> int:
        """What one name tells; where to go on."""
        name, begin = match["name"], match.end()
        lowered = name.lower()
        if lowered in _PAIR_NAMES:
            return self._remember_name(match)
        telling = self._names.telling(name)
        if lowered in _PAIR_VALUES:
            self._pair_value = match
            tells, end = self._pair_name
            telling = Telling.YES if tells and self._is_beside(end, match.start()) else telling
        if telling is Telling.NO:
            return begin
        if telling is Telling.IF_RANDOM:
            quote = _QUOTE.match(self._text, begin)
            span = self._word(begin if quote is None else quote.end(), _MAYBE_RANDOM)
            if span is None or not looks_random(self._text[span[0] : span[1]]):
                return begin
        elif (span := self._value(match)) is None or is_no_secret(name, self._text[span[0] : span[1]]):
            return begin
        self._edits.append(span)
        return span[1]

    def _remember_name(self, match: re.Match[str]) -> int:
        span = self._quoted(match.end()) or self._word(match.end(), _IN_FLOW)
        if span is None:
            return match.end()
        name = self._text[span[0] : span[1]]
        tells = len(name) <= LONGEST_NAME and self._names.telling(name) is Telling.YES
        self._pair_name = (tells, span[1])
        before = self._pair_value
        if tells and before is not None and match.start() - before.end() < _AROUND:
            value = self._value(before)
            if (
                value is not None
                and self._is_beside(value[1], match.start())
                and not is_no_secret(name, self._text[value[0] : value[1]])
            ):
                self._edits.append(value)
        return span[1]

    def _is_beside(self, end: int, begin: int) -> bool:
        return 0 <= end <= begin and _BETWEEN_PAIR.fullmatch(self._text, end, begin) is not None

    def _value(self, match: re.Match[str]) -> tuple[int, int] | None:
        """Where the value is, without its quotes; None where the separator separates no value."""
        begin, separator = match.end(), match["separator"]
        is_colon = separator.strip() == ":"
        if quoted := self._quoted(begin):
            return quoted
        if (
            is_colon
            and not separator.endswith((" ", "\t"))
            and begin < len(self._text)
            and self._text[begin] not in "\r\n"
        ):
            return self._tight(match)
        if self._is_at_line_head(match):
            return self._to_line_end(begin, is_colon=is_colon)
        scheme = _SCHEME_WORD.match(self._text, begin)
        begin = scheme.end() if scheme is not None else begin
        if not is_colon:
            return self._word_of_assignment(match, begin)
        if self._text[max(0, match.start() - 8) : match.start()].rstrip(" \t\\\"'").endswith(("{", ",")):
            return self._word(begin, _IN_FLOW)
        return self._word(begin, _SECRET_WORD)

    def _quoted(self, begin: int) -> tuple[int, int] | None:
        quote = _QUOTE.match(self._text, begin)
        if quote is None:
            return None
        if not quote["slashes"]:
            end = _end_of_quoted(self._text, quote.end(), quote["quote"])
        else:
            end = self._text.find(quote[0], quote.end())
            while end > 0 and self._text[end - 1] == "\\":
                end = self._text.find(quote[0], end + 1)
        return quote.end(), len(self._text) if end < 0 else end

    def _tight(self, match: re.Match[str]) -> tuple[int, int] | None:
        """`Password:…` and `X-Api-Key:[…]` in Go's dumps, `map[password:…]`, JSON's numbers; not `host:port`."""
        begin = match.end()
        before = self._text[max(0, match.start() - 4) : match.start()]
        if not (match["name"][0].isupper() or match["close"] or before.endswith(("map[", " ", ",", "{"))):
            return None
        if self._text.startswith("[", begin):
            return self._word(begin, _IN_BRACKETS, inside=True)
        return self._word(begin, _IN_FLOW)

    def _word_of_assignment(self, match: re.Match[str], begin: int) -> tuple[int, int] | None:
        before = match.start()
        while before > 0 and self._text[before - 1] == "-" and match.start() - before < 2:  # noqa: PLR2004 - `--name`
            before -= 1
        opening = self._text[before - 1 : before]
        if opening in ("&", "?"):
            return self._word(begin, _OF_PARAMETER)
        if opening in ('"', "'") and self._kind is not Kind.PROSE:
            end = self._text.find(opening, begin)
            return (begin, end) if end > begin else self._word(begin, _WORD)
        span = self._word(begin, _WORD)
        if span is not None and opening in ('"', "'"):
            end = self._text.find(opening, begin, span[1])
            return (begin, end) if end > begin else span
        return span

    def _word(self, begin: int, pattern: re.Pattern[str], *, inside: bool = False) -> tuple[int, int] | None:
        word = pattern.match(self._text, begin)
        if word is None:
            return None
        return (begin + 1, word.end() - word[0].endswith("]")) if inside else (begin, word.end())

    def _is_at_line_head(self, match: re.Match[str]) -> bool:
        """Whether nothing stands before the name in its line but what makes it an assignment."""
        if self._kind is Kind.PROSE:
            return False
        line = self._text.rfind("\n", self._line_seen, match.start())
        self._line_begin = line + 1 if line >= 0 else self._line_begin
        self._line_seen = match.start()
        begin = self._line_begin
        return (
            match.start() - begin <= _LONGEST_HEAD
            and _LINE_HEAD.fullmatch(self._text, begin, match.start()) is not None
        )

    def _to_line_end(self, begin: int, *, is_colon: bool) -> tuple[int, int] | None:
        rest = _REST_OF_LINE.match(self._text, begin)
        end = rest.end() if rest is not None else begin
        line = self._text[begin:end].rstrip()
        if is_colon and (not line or _BLOCK.match(self._text, begin) is not None):
            return self._block(begin if not line else end, end, is_list=not line)
        if is_colon and line.startswith(("{", "&", "*", "!")):
            return None
        return (begin, begin + len(line)) if line else None

    def _block(self, _begin: int, end: int, *, is_list: bool) -> tuple[int, int] | None:
        """The lines below that are indented further; below a name without a value only items of a list."""
        indent = _indent(self._text, self._line_begin)
        first = last = None
        position = end
        while (line := _NEXT_LINE.match(self._text, position)) is not None:
            content = line["content"]
            if content:
                is_item = content.startswith("- ") or content == "-"
                if line.end("indent") - line.start("indent") < indent + (0 if is_list and is_item else 1):
                    break
                if is_list and not is_item:
                    break
                first = line.start("content") + (2 if is_list and is_item else 0) if first is None else first
                last = line.end("content")
            position = line.end()
        return (first, last) if first is not None and last is not None and first < last else None


_NEXT_LINE = re.compile(r"\r?\n(?P<indent>[ \t]*+)(?P<content>[^\r\n]*+)")
_INDENT = re.compile(r"[ \t]*+(?:-[ \t]+)*")


def _indent(text: str, begin: int) -> int:
    match = _INDENT.match(text, begin)
    return match.end() - match.start() if match is not None else 0


def _end_of_quoted(text: str, begin: int, quote: str) -> int:
    r"""Where a quoted text ends: before the quote that no backslash escapes."""
    match = (_IN_DOUBLE if quote == '"' else _IN_SINGLE).match(text, begin)
    return match.end() if match is not None and match.end() < len(text) else -1


_IN_DOUBLE = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_IN_SINGLE = re.compile(r"(?:[^'\\]|\\.|'')*+", re.DOTALL)

_SECRET_KIND = re.compile(r"^[ \t]*(?:-[ \t]+)?kind:[ \t]*[\"']?Secret(?:List)?[\"']?[ \t]*\r?$", re.MULTILINE)
_DOCUMENTS = re.compile(r"^---", re.MULTILINE)
_SECRET_DATA = re.compile(
    r"^(?P<indent>[ \t]*(?:-[ \t]+)?)(?:data|stringData):[ \t]*(?P<flow>\{[^\n]*)?\r?$", re.MULTILINE
)
_NO_DATA = ("", '""', "''", MARK, "null", "~")
_ENTRY = re.compile(r"\r?\n(?P<indent>[ \t]+)(?P<head>[\"']?[\w.-]{1,253}[\"']?:[ \t]*)(?P<value>[^\r\n]*)")


def _redact_manifests(text: str, tell: Tell) -> str:
    """The values of `data` and `stringData` in YAML manifests of kind Secret."""
    if _SECRET_KIND.search(text) is None:
        return text
    bounds = [0, *(match.start() for match in _DOCUMENTS.finditer(text)), len(text)]
    documents = [text[begin:end] for begin, end in pairwise(bounds)]
    return "".join(
        _redact_manifest(document, tell) if _SECRET_KIND.search(document) is not None else document
        for document in documents
    )


def _redact_manifest(document: str, tell: Tell) -> str:
    pieces: list[str] = []
    done = 0
    for data in _SECRET_DATA.finditer(document):
        if data.start() < done:
            continue
        if data["flow"]:
            found = [(data.start("flow") + 1, data.end("flow") - data["flow"].endswith("}"))]
        else:
            found = _entries(document, data)
        for begin, end in found:
            pieces += (document[done:begin], MARK)
            done = end
            tell(Rule.SECRET_MANIFEST)
    return "".join(pieces) + document[done:]


def _entries(document: str, data: re.Match[str]) -> list[tuple[int, int]]:
    """Where the values stand below `data:`; of a block of several lines from the first to the last."""
    outer, position = len(data["indent"]), data.end()
    depth: int | None = None
    found: list[tuple[int, int]] = []
    while (line := _NEXT_LINE.match(document, position)) is not None:
        position = line.end()
        indent = len(line["indent"])
        if not line["content"]:
            continue
        if indent <= outer:
            break
        entry = _ENTRY.match(document, line.start())
        if entry is not None and (depth is None or indent <= depth):
            depth = indent
            found.append(entry.span("value"))
        elif found:
            # A line of a block: it belongs to the value that begins above.
            found[-1] = (found[-1][0], line.end())
    return [span for span in found if document[span[0] : span[1]].strip() not in _NO_DATA]


_ELEMENT = re.compile(r"<(?P<name>[A-Za-z_][\w:.-]{0,100})(?:\s[^<>]{0,200})?>(?P<value>[^<>]{1,2000}+)</(?P=name)>")


def _redact_elements(text: str, names: Names, tell: Tell) -> str:
    """`<password>…</password>`."""
    if "</" not in text:
        return text

    def element(match: re.Match[str]) -> str:
        name = match["name"].rpartition(":")[2]
        if names.telling(name) is not Telling.YES or is_no_secret(name, match["value"]):
            return match[0]
        tell(Rule.TELLING_NAME)
        return match[0].replace(f">{match['value']}<", f">{MARK}<")

    return _ELEMENT.sub(element, text)


_OPTION = re.compile(
    r"(?<![\w-])(?P<option>--?(?P<name>[A-Za-z][\w.-]{0,100}+)[ \t]+)(?P<value>\"[^\"]*\"?|'[^']*'?|[^\s\"'\-(][^\s]*)"
)


def _redact_options(text: str, hits: Sequence[Hit], kind: Kind, names: Names, tell: Tell) -> str:
    """`--password X` within a line."""
    pieces: list[str] = []
    done = 0
    searched = 0
    for place, _ in hits if "-" in text and " " in text else ():
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
            if kind is not Kind.PROSE or _SECRET_WORD.fullmatch(value) is not None:
                pieces += (text[done : option.start("value")], MARK)
                done = begin = option.end()
                tell(Rule.ARGUMENT)
    return "".join(pieces) + text[done:] if done else text


_SHELL_WORD = re.compile(r"(?:[^\s\"'\\;|&]|\\.|\"(?:[^\"\\]|\\.)*+\"?|'[^']*+'?)++|[;|&]+", re.DOTALL)
_ENDS_COMMAND = re.compile(r"[;|&]+")


def _redact_commands(text: str, names: Names, tell: Tell) -> str:
    """Arguments of well-known programs in a line of a shell."""
    pieces: list[str] = []
    done = 0
    command: list[re.Match[str]] = []
    for word in (*_SHELL_WORD.finditer(text), None):
        if word is not None and _ENDS_COMMAND.fullmatch(word[0]) is None:
            command.append(word)
            continue
        plain = [match[0].strip("\"'") for match in command]
        for place, argument in sorted(redacted_arguments(plain, names).items()):
            if argument != plain[place]:
                pieces += (text[done : command[place].start()], argument)
                done = command[place].end()
                tell(Rule.ARGUMENT)
        command = []
    return "".join(pieces) + text[done:] if done else text
