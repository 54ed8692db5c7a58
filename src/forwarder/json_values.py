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
_NESTS = (dict, list)
TOO_DEEP = "(nested deeper than this document keeps: see @message)"

_OBJECT_BEGINS = re.compile(r"\s*+\{\s*+(?=\")")
_COLON = re.compile(r"\s*+:\s*+")
_COMMA = re.compile(r"\s*+,\s*+(?=\")")
_DELIMITER = re.compile(r"\s*+[,}]")
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


def read_leading_members(text: str) -> JsonObject:
    """The complete members at the beginning of a JSON object that is cut off or broken behind them.

    A number counts as complete only with something behind it, since digits may be missing. Of no object: nothing.
    """
    try:
        return _leading_members(text)
    except RecursionError:
        return _leading_members(_without_depths(text))


def _leading_members(text: str) -> JsonObject:
    members: JsonObject = {}
    position = _behind(_OBJECT_BEGINS, text, 0)
    while position is not None and (name := _scan(text, position)) is not None and isinstance(name[0], str):
        colon = _behind(_COLON, text, name[1])
        value = None if colon is None else _scan(text, colon)
        if value is None:
            break
        members[printable(name[0])] = _storable(value[0])
        position = _behind(_COMMA, text, value[1])
    return members


def _behind(expected: re.Pattern[str], text: str, position: int) -> int | None:
    match = expected.match(text, position)
    return None if match is None else match.end()


def _scan(text: str, position: int) -> tuple[JsonValue, int] | None:
    try:
        value, end = _DECODER.raw_decode(text, position)
    except ValueError:
        return None
    is_whole = isinstance(value, str | list | dict) or _DELIMITER.match(text, end) is not None
    return (value, end) if is_whole else None


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


def _bounded_int(digits: str) -> int | float:
    """JSON numbers beyond 64 bits as the nearest float, which is how orjson and OpenSearch read them."""
    if len(digits) > 20:  # noqa: PLR2004 - the digits of the largest 64-bit integer and a sign
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
