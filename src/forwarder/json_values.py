"""JSON as the records bring it: reading it whatever it holds, and turning values into what a field can store."""

import json
import math
import re
from collections.abc import Iterable
from typing import TypeAlias

import orjson

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]

# What JSON of this depth is made of: far deeper than any record, far less than what an interpreter's stack holds.
MAX_DEPTH = 200
# OpenSearch refuses a document with more than 20 (index.mapping.depth.limit), also where it does not index them.
MAX_LISTS = 16
# OpenSearch 3 refuses a document with a longer name in it, in bytes of UTF-8, also where it does not index it
# (Jackson, StreamReadConstraints, DEFAULT_MAX_NAME_LEN); OpenSearch 2 takes them.
_LONGEST_NAME_BYTES = 50_000
# So many characters are never more bytes.
_LONGEST_NAME = _LONGEST_NAME_BYTES // 4
_LONG = _LONGEST_NAME_BYTES // 2
# In a string of JSON each quote has a backslash before it.
_QUOTE = re.compile(rb'[^\\]"')
_NESTS = (dict, list)
TOO_DEEP = "(nested deeper than this document keeps: see @message)"

_BLANKS = r"[ \t\n\r]*+"
_STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
# A number or a word is complete only with something behind it, since digits may be missing.
_BARE = rf"(?:{_NUMBER}|true|false|null|NaN|-?Infinity)(?={_BLANKS}[,}}\]])"
_VALUE = rf"(?:{_STRING}|{_BARE}|(?P<opened>[{{\[]))"
_MEMBER = re.compile(rf"{_BLANKS}(?P<comma>,)?+{_BLANKS}(?P<name>{_STRING}){_BLANKS}:{_BLANKS}{_VALUE}")
_ITEM = re.compile(rf"{_BLANKS}(?P<comma>,)?+{_BLANKS}{_VALUE}")
_BEGUN = re.compile(rf"{_BLANKS},?+{_BLANKS}(?P<name>{_STRING}){_BLANKS}:{_BLANKS}(?P<text>{_STRING[:-1]})")
# What stands at the end of records that were cut off.
_CUT_MARK = "[Truncated...]"
_CLOSED = re.compile(rf"{_BLANKS}([}}\]])")
_OBJECT_BEGINS = re.compile(rf"{_BLANKS}\{{")
# A string, also one that is cut off; or what has an asterisk in it and no quotes around it.
_MASKED = re.compile(r'"(?:[^"\\]|\\.)*+"?|(?<![\w.+*-])[\w.+-]*+\*[\w.+*-]*+', re.DOTALL)
_ESCAPE = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))|\\')
_DIGITS_OF_CODE = 3
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)


def read_json(text: str | bytes) -> JsonValue:
    """Read one JSON value.

    What RFC 8259 allows but orjson refuses (lone surrogates in escapes) and what Go or Python writers emit
    beyond it (NaN, Infinity) is read too: surrogates become U+FFFD, NaN and infinities null. Whatever is nested
    deeper than MAX_DEPTH becomes TOO_DEEP.

    Raises:
        ValueError: the text is no JSON.
    """
    try:
        value: JsonValue = orjson.loads(text)
    except ValueError:
        return _read_leniently(text)
    return value


def read_leading_members(
    text: str, partly: frozenset[str] = frozenset(), begun: frozenset[str] = frozenset()
) -> JsonObject:
    """The complete members at the beginning of a JSON object that is cut off or broken behind them.

    Of a member named in `partly` that is not complete itself: its own complete leading members, at every depth. An
    object or a list without any is left out. A number counts as complete only with something behind it, since digits
    may be missing. Of a text named in `begun` its beginning. Of no object: nothing.
    """
    begin = _OBJECT_BEGINS.match(text)
    if begin is None:
        return {}
    whole, end, closing, name = _complete(text, begin.end())
    if len(closing) > 1 and name[1:-1] not in partly:
        end, closing = whole, closing[:1]
    members = as_object(read_json(text[:end] + "".join(reversed(closing))))
    beginning = _BEGUN.match(text, whole)
    if beginning is not None and (name := str(read_json(beginning["name"]))) in begun:
        members.setdefault(name, str(read_json(f'{beginning["text"]}"')).removesuffix(_CUT_MARK))
    return members


def _complete(text: str, position: int) -> tuple[int, int, list[str], str]:
    """What is complete of an object's text behind its brace.

    Returns:
        Where its last complete member ends; where the last complete value within it ends, what closes the objects and
        lists that are open there, and the name of the member that this value belongs to, in its quotes.
    """
    closing, is_first, name = ["}"], True, ""
    whole, end, depth = position, position, 1
    while closing:
        value = (_MEMBER if closing[-1] == "}" else _ITEM).match(text, position)
        if value is not None and is_first is (value["comma"] is None):
            position, opened = value.end(), value["opened"]
            if len(closing) == 1:
                name = value["name"]
            is_first = opened is not None
            if is_first:
                closing.append("}" if opened == "{" else "]")
                continue
        else:
            closed = _CLOSED.match(text, position)
            if closed is None or closed[1] != closing[-1]:
                break
            closing.pop()
            position, is_first = closed.end(), False
        end, depth = position, len(closing)
        if depth <= 1:
            whole = end
    return whole, end, closing[:depth], name


def quote_masked(text: str) -> str:
    """JSON in which a data protection policy of CloudWatch Logs masked numbers (`"code":***`), with texts there.

    Escapes that a mask cut in two lose their backslash. Source: CloudWatch Logs, "Help protect sensitive log data with
    masking": each character of what is found becomes an asterisk, whatever it is.
    """
    return _MASKED.sub(_quoted, text) if "*" in text else text


def _quoted(match: re.Match[str]) -> str:
    found = match[0]
    if not found.startswith('"'):
        return f'"{found}"'
    return _ESCAPE.sub(r"\1", found) if "*" in found and "\\" in found else found


def _read_leniently(text: str | bytes) -> JsonValue:
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    try:
        return _storable(_DECODER.decode(text))
    except RecursionError:
        return _storable(_DECODER.decode(_without_depths(text)))


def _without_depths(text: str) -> str:
    """The text with TOO_DEEP for everything that is nested deeper than MAX_DEPTH; one pass, whatever the text."""
    kept: list[str] = []
    depth = copied = 0
    for token in _STRUCTURE.finditer(text):
        if token[0] in ("{", "["):
            depth += 1
            if depth == MAX_DEPTH:
                kept.append(text[copied : token.start()])
        elif token[0] in ("}", "]"):
            if depth == MAX_DEPTH:
                kept.append(json.dumps(TOO_DEEP))
                copied = token.end()
            depth -= 1
    return "".join(kept) + text[copied:] if depth < MAX_DEPTH else "".join(kept)


# The digits of the largest integer of 64 bits, and a sign.
_LONGEST_INTEGER = 20


def _bounded_int(digits: str) -> int | float:
    """JSON numbers beyond 64 bits as the nearest float, which is how orjson and OpenSearch read them."""
    if len(digits) > _LONGEST_INTEGER:
        return float(digits)
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(number)


_DECODER = json.JSONDecoder(parse_constant=lambda _token: None, parse_int=_bounded_int)


def _storable(value: JsonValue) -> JsonValue:
    match value:
        case str():
            return printable(value)
        case list():
            return [_storable(item) for item in value]
        case dict():
            return {printable(key): _storable(item) for key, item in value.items()}
        case float() if not math.isfinite(value):
            return None
    return value


def printable(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot encode, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def json_text(value: JsonValue) -> str:
    """The value as compact JSON."""
    return json.dumps(up_to_depth(value, MAX_DEPTH), ensure_ascii=False, separators=(",", ":"))


def up_to_depth(
    value: JsonValue, depth: int, left_out: frozenset[str] = frozenset(), lists: int = MAX_LISTS
) -> JsonValue:
    """The value with TOO_DEEP for what is nested deeper, and without the members of the given names at any depth.

    `lists` is how many lists may stand directly in one another.
    """
    if not isinstance(value, _NESTS):
        return value
    if depth == 0 or lists == 0:
        return TOO_DEEP
    below = depth - 1
    # Scalars, which most members are, cost no call of their own.
    if isinstance(value, list):
        return [up_to_depth(item, below, left_out, lists - 1) if isinstance(item, _NESTS) else item for item in value]
    return {
        name: up_to_depth(item, below, left_out) if isinstance(item, _NESTS) else item
        for name, item in value.items()
        if name not in left_out
    }


def may_have_long_names(json: bytes) -> bool:
    """Whether there can be a name in a text of JSON that is too long for OpenSearch.

    No part of such a name has a quote that is not escaped; so only a few bytes in each part of the text are looked at.
    """
    starts = range(0, len(json) - _LONG + 1, _LONG)
    return any(_QUOTE.search(json, start, start + _LONG) is None for start in starts)


def with_names_cut(value: JsonValue) -> JsonValue:
    """The value with the beginnings of names that are too long for OpenSearch; nested no deeper than MAX_DEPTH."""
    if isinstance(value, list):
        return [with_names_cut(item) for item in value]
    if isinstance(value, dict):
        return {name[:_LONGEST_NAME]: with_names_cut(item) for name, item in value.items()}
    return value


def as_keyword(value: JsonValue) -> str | None:
    """What a keyword or text field stores for any JSON value; None for null."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else json_text(value)


def as_keywords(value: JsonValue) -> list[JsonValue]:
    """A list of keywords for a list; of one for a single value; empty for null."""
    values = value if isinstance(value, list) else [value]
    return [keyword for item in values if (keyword := item if isinstance(item, str) else as_keyword(item)) is not None]


def cut(text: str, longest: int) -> str:
    """The beginning of a text, of at most `longest` UTF-16 code units: what `ignore_above` of a keyword counts.

    Source: OpenSearch 2.19, KeywordFieldMapper.java (`value.length() > ignoreAbove`, a length of Java).
    """
    if len(text) * 2 <= longest or (len(text) <= longest and text.isascii()):
        return text
    return text.encode("utf-16-le", "surrogatepass")[: longest * 2].decode("utf-16-le", "ignore")


def as_object(value: JsonValue) -> JsonObject:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: JsonValue) -> list[JsonObject]:
    """The objects among the members of a list; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_texts(values: Iterable[JsonValue]) -> list[JsonValue]:
    """The strings among some values, each once, in their order."""
    return [*dict.fromkeys(value for value in values if isinstance(value, str))]


def as_integer(value: JsonValue) -> int | None:
    """The value where an `integer` field can store it (32 bits), else None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -(2**31) <= value < 2**31 else None


def as_code(value: JsonValue) -> int | None:
    """An HTTP status, also one that is written as a text or with a fraction of nothing; None for any other value."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= _DIGITS_OF_CODE:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return as_integer(value)


_HTTP_STATUSES = range(100, 600)


def is_http_status(code: int | None) -> bool:
    """Whether there is such a status, of one of the classes 1xx to 5xx (RFC 9110, section 15)."""
    return code is not None and code in _HTTP_STATUSES
