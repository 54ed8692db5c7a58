"""A record without its secrets, whichever format it has."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from forwarder.formats.klog import klog_values
from forwarder.formats.logfmt import logfmt_values
from forwarder.go_strings import ValueSpan, quote, unquote
from forwarder.redaction.assignments import Kind
from forwarder.redaction.command_lines import tells_of_others
from forwarder.redaction.json_secrets import PAIR_NAMES, JsonSecrets
from forwarder.redaction.json_text import Scalar, decoded
from forwarder.redaction.literals import Literals, spellings
from forwarder.redaction.names import Names, Telling
from forwarder.redaction.rules import MARK, Rule, replaced
from forwarder.redaction.texts import is_json
from forwarder.redaction.values import is_qualified_name


class Redacted(NamedTuple):
    """A record's text without its secrets.

    Attributes:
        text: the text.
        found: whether there were any.
        rules: by which rules they were found, as docs/redaction.md names them.
    """

    text: str
    found: bool
    rules: frozenset[Rule] = frozenset()


_NO_RULES: frozenset[Rule] = frozenset()
_JSON_BEGINS = re.compile(r'[\s\ufeff]*+(?:\{\s*+["}]|\[\s*+["{\[])')
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_COLON = re.compile(r"\s*+:\s*+")
# What a telling name may have as its value without there being a secret: nothing, or a reference to an object.
_MEMBER_OF_REFERENCE = (
    r'"(?:secretName|defaultMode|optional|name|namespace|kind|apiVersion|path|expirationSeconds|audience)"'
    r'\s*+:\s*+(?:"[^"\\]*+"|[0-9]++|true|false|null)\s*+,?\s*+'
)
_ITEM = r'\{\s*+(?:"(?:key|path|mode)"\s*+:\s*+(?:"[^"\\]*+"|[0-9]++)\s*+,?\s*+)*+\}\s*+,?\s*+'
_REFERENCE = rf'\{{\s*+(?:{_MEMBER_OF_REFERENCE}|"items"\s*+:\s*+\[\s*+(?:{_ITEM})*+\]\s*+,?\s*+)*+\}}\s*+,?\s*+'
_NOTHING = re.compile(rf'""|null|true|false|{_REFERENCE}|\[\s*+(?:{_REFERENCE})*+\]|"\(redacted\)"')
_NAME_BEFORE = re.compile(rf'"(?:{"|".join(PAIR_NAMES)})"\s*+:\s*+\Z')
_LONGEST_NAME_BEFORE = 24
_PLAIN = r'[^{}"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^{}"]*+)*+'
# What can stand in an object: here with objects of objects, no deeper.
_FLAT = rf"{_PLAIN}(?:\{{{_PLAIN}(?:\{{{_PLAIN}\}}{_PLAIN})*+\}}{_PLAIN})*+"
_FLAT_BEFORE, _FLAT_BEHIND = re.compile(_FLAT, re.DOTALL), re.compile(rf"{_FLAT}\}}", re.DOTALL)
_PAIR_VALUE = re.compile(r'"(?:[vV]alues?|val|data|ParameterValue)"')
_REMEMBERED = 20_000
_LONGEST_REMEMBERED = 256
_LONGEST_TRIED = 4000
# Of the authenticator's lines: who it was, whatever that is called.
_IDENTITY_KEYS = frozenset(
    (
        *("arn", "canonicalarn", "username", "user", "uid", "userid", "groups", "session"),
        *("role", "account", "accountid", "accesskeyid", "sts"),
    )
)


class Redactor:
    """Redacts records, many at a time.

    Args:
        names: further telling names, in any spelling.
        patterns: further secrets: whatever they match within a token.
    """

    def __init__(self, names: Sequence[str] = (), patterns: Sequence[re.Pattern[str]] = ()) -> None:
        self._names = Names(names)
        self._patterns = patterns
        self._literals = Literals(spelling for name in names for spelling in spellings(name))
        self._json = JsonSecrets(self._names, patterns, self._literals)
        # Of the texts of tokens: whether one may have a secret, or tell of one beside it.
        self._suspicious: dict[str, bool] = {}
        self._last_looked_at = ("", False)

    def redact_each(self, records: Sequence[str]) -> Iterator[Redacted]:
        """Each of the records without its secrets; the literals are searched for in all of them at once."""
        for record, places in zip(records, self._literals.found(records), strict=True):
            if (places and self._is_suspicious(record, places)) or (self._patterns and self._matches_pattern(record)):
                yield self.redact_whole(record)
            else:
                yield Redacted(record, found=False)

    def _matches_pattern(self, record: str) -> bool:
        return any(pattern.search(record) for pattern in self._patterns)

    def redact_whole(self, record: str) -> Redacted:
        """The record without its secrets, read as a whole, whatever literals it has."""
        rules: set[Rule] = set()
        if _JSON_BEGINS.match(record) is not None or (record.startswith('"') and is_json(record)):
            text = self._json.redact(record, rules.add)
        else:
            text = self._redact_line(record, rules)
        return Redacted(text, text != record, frozenset(rules) if rules else _NO_RULES)

    def _is_suspicious(self, record: str, places: Sequence[int]) -> bool:
        """Whether a token that has a literal may be a secret, or tell of one; what is no JSON is always read.

        In JSON letters stand in strings only, `true`, `false` and `null` apart; so a string begins at the last quote in
        front of a literal that no backslash escapes.
        """
        if _JSON_BEGINS.match(record) is None:
            return True
        done = 0
        for place in places:
            if place < done or _tells_nothing(record, place):
                continue
            start = _opening_quote(record, done, place)
            string = None if start < 0 else _STRING.match(record, start)
            if string is None:
                return True
            done = string.end()
            inner = record[start + 1 : done - 1]
            colon = _COLON.match(record, done)
            if colon is not None:
                tells = self._names.telling(inner) is not Telling.NO or inner == "kty"
                if tells and _NOTHING.match(record, colon.end()) is None:
                    return True
            elif self._is_suspicious_string(record, start, done, inner):
                return True
        return False

    def _is_suspicious_string(self, record: str, start: int, end: int, inner: str) -> bool:
        if len(inner) > _LONGEST_TRIED or self._may_hold_secret(record, start, end, inner):
            return True  # a long one is not tried here, as it would be read twice
        if inner in _SECRETS:
            return self._holds_data(record)
        before = record[max(0, start - _LONGEST_NAME_BEFORE) : start]
        if not before.rstrip().endswith(":"):
            # In a list: it may be the argument of a command, and tell of the next one.
            return tells_of_others(inner) or self._names.telling(inner) is Telling.YES
        if self._names.telling(inner) is not Telling.YES:
            return False
        if inner.startswith("/"):
            return self._holds_data(record)
        return _NAME_BEFORE.search(before) is not None and _may_have_value(record, start, end)

    def _may_hold_secret(self, record: str, start: int, end: int, inner: str) -> bool:
        known = self._suspicious.get(inner)
        if known is None:
            text = decoded(record, Scalar(start, end, is_string=True))
            known = self._json.texts.redact(text, Kind.DOCUMENT, _ignore) != text
            if len(inner) <= _LONGEST_REMEMBERED:
                if len(self._suspicious) >= _REMEMBERED:
                    self._suspicious.clear()
                self._suspicious[inner] = known
        return known

    def _holds_data(self, record: str) -> bool:
        """Whether a record has values beside names; looked for once, however often a long record has reason to."""
        if self._last_looked_at[0] is not record:
            self._last_looked_at = (record, _HOLDS_DATA.search(record) is not None)
        return self._last_looked_at[1]

    def _redact_line(self, record: str, rules: set[Rule]) -> str:
        """Text, klog and logfmt: value by value."""
        spans = line_values(record)
        edits = [
            (span.start, span.end, redacted)
            for span in spans
            if (redacted := self._redact_value(span, value := record[span.start : span.end], rules)) != value
        ]
        if not edits:
            return record
        text = replaced(record, edits)
        anew = line_values(text)
        if anew[0].start != spans[0].start or [span.key for span in anew] != [span.key for span in spans]:
            # Without its secret the text would be read as something else than it is.
            return f"{record[: spans[0].start]}{MARK}"
        return text

    def _redact_value(self, span: ValueSpan, value: str, rules: set[Rule]) -> str:
        is_lines = not span.quoted and value.startswith("<\n\t") and value.endswith("\n >")
        if span.quoted:
            text = unquote(value)
        elif is_lines:
            text = value[3:-3].replace("\n\t", "\n")
        else:
            text = value
        if span.key in _IDENTITY_KEYS:
            return value
        if span.key and self._json.texts.is_secret(span.key, text) and not is_qualified_name(text):
            rules.add(Rule.TELLING_NAME)
            return quote(MARK)
        redacted = self._json.texts.redact(text, Kind.DOCUMENT if is_lines else Kind.PROSE, rules.add)
        if redacted == text:
            return value
        # What was not quoted may be read otherwise without its secret, unless it is still JSON.
        is_text = not span.key and not span.quoted
        return redacted if is_text or (not span.quoted and is_json(value) and is_json(redacted)) else quote(redacted)


_SECRETS = frozenset(("secrets", "Secret", "SecretList"))
_HOLDS_DATA = re.compile(r'"(?:data|stringData|[vV]alues?|val|ParameterValue)\\*"')


def _ignore(_rule: Rule) -> None:
    pass


def _may_have_value(record: str, start: int, end: int) -> bool:
    """Whether a value can stand in the object of a name: not where it is flat and has no such member."""
    opening = record.rfind("{", 0, start)
    closing = _FLAT_BEHIND.match(record, end)
    if opening < 0 or closing is None or _FLAT_BEFORE.fullmatch(record, opening + 1, start) is None:
        return True
    return _PAIR_VALUE.search(record, opening, closing.end()) is not None


def _tells_nothing(record: str, place: int) -> bool:
    """Whether a literal is of an address without a user."""
    return record.startswith("://", place) and not _has_user(record, place)


def _has_user(record: str, place: int) -> bool:
    """Whether an address may have a user: most have none, and each is another one."""
    return record.find("@", place, record.find('"', place)) >= 0


def _opening_quote(record: str, begin: int, place: int) -> int:
    """Where the string begins in which a place is: the last quote before it that no backslash escapes; -1 for none."""
    quote_at = record.rfind('"', begin, place + 1)
    while quote_at >= 0:
        before = quote_at - 1
        while before >= begin and record[before] == "\\":
            before -= 1
        if (quote_at - before) % 2 == 1:
            return quote_at
        quote_at = record.rfind('"', begin, max(before + 1, begin))
    return -1


def line_values(record: str) -> list[ValueSpan]:
    """Where the values of a line stand: klog's, logfmt's, or all of it as one."""
    spans = klog_values(record)
    if len(spans) == 1 and spans[0].start == 0:
        return logfmt_values(record)
    return spans
