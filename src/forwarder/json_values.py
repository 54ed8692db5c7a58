"""JSON as the records bring it: reading it whatever it holds, and turning values into what a field can store."""

import json
import math
from typing import TypeAlias

import orjson

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]


def read_json(text: str | bytes) -> JsonValue:
    """Read one JSON value.

    What RFC 8259 allows but orjson refuses (lone surrogates in escapes) and what Go or Python writers emit
    beyond it (NaN, Infinity) is read too: surrogates become U+FFFD, NaN and infinities null.

    Raises:
        ValueError: the text is no JSON, or is nested deeper than the interpreter can follow.
    """
    try:
        value: JsonValue = orjson.loads(text)
    except ValueError:
        return _read_leniently(text)
    return value


def _read_leniently(text: str | bytes) -> JsonValue:
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    try:
        return _storable(json.loads(text, parse_constant=lambda _token: None, parse_int=_bounded_int))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _bounded_int(digits: str) -> int | float:
    """JSON numbers beyond 64 bits as the nearest float, which is how orjson and OpenSearch read them."""
    if len(digits) > 20:  # noqa: PLR2004 - the digits of the largest 64-bit integer and a sign
        return float(digits)
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(number)


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
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_keyword(value: JsonValue) -> str | None:
    """What a keyword or text field stores for any JSON value; None for null."""
    match value:
        case None:
            return None
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
    return json_text(value)


def as_keywords(value: JsonValue) -> list[JsonValue]:
    """A list of keywords for a list; of one for a single value; empty for null."""
    values = value if isinstance(value, list) else [value]
    return [keyword for item in values if (keyword := as_keyword(item)) is not None]


def as_integer(value: JsonValue) -> int | None:
    """The value where an `integer` field can store it (32 bits), else None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -(2**31) <= value < 2**31 else None
