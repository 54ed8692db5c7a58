"""JSON as it stands in a text: its tokens with their places, whether it is whole, cut off or broken.

Nothing is decoded that nobody asks for, and nothing is refused: of a text that is cut off there is what there is.
"""

import json
import re
from typing import NamedTuple, TypeAlias

from forwarder.redaction.rules import MARK

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\]:,]|[^\s"{}\[\]:,]++', re.DOTALL)


class Scalar(NamedTuple):
    """A string with its quotes, or another scalar: where it begins and ends."""

    start: int
    end: int
    is_string: bool


class Object(NamedTuple):
    """An object's members in their order, a repeated name as often as it stands there."""

    members: "list[tuple[Scalar, Node]]"


class Array(NamedTuple):
    """A list's items."""

    items: "list[Node]"


Node: TypeAlias = Scalar | Object | Array


def read_nodes(text: str) -> list[Node]:  # noqa: C901, PLR0915 - one loop over tokens, the most frequent ones first
    """The values of the text, in one pass and without recursion; JSON is one.

    What is no JSON is read as far as it can be: a bracket that does not match closes what is open, and a value without
    a name in an object is left out.
    """
    root = Array([])
    container: Object | Array = root
    # Those that are open around it, the last value (which may turn out to be a name), and the name before a value.
    outer: list[Object | Array] = []
    last: Scalar | None = None
    name: Scalar | None = None
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        character = text[start]
        if character == ":":
            name, last = last, None
        elif character == ",":
            last = name = None
        elif character in "{[":
            node: Object | Array = Object([]) if character == "{" else Array([])
            _add(container, name, node)
            outer.append(container)
            container = node
            last = name = None
        elif character in "}]":
            if outer:
                container = outer.pop()
            last = name = None
        elif name is not None:
            _add(container, name, Scalar(start, end, character == '"'))
            name = None
        elif type(container) is Array:
            container.items.append(Scalar(start, end, character == '"'))
        else:
            last = Scalar(start, end, character == '"')
    return root.items


def _add(container: Object | Array, name: Scalar | None, node: Node) -> None:
    if type(container) is Array:
        container.items.append(node)
    elif name is not None and type(container) is Object:
        container.members.append((name, node))


def decoded(text: str, scalar: Scalar) -> str:
    """What a string stands for; of one that is cut off, what is there; of one that is no JSON, its own text."""
    start, end, _ = scalar
    inner = text[start + 1 : end - 1]
    # Most are whole, and have no escapes.
    if "\\" not in inner and text[end - 1] == '"' and end - start > 1:
        return inner
    inner = inner if is_whole(text, scalar) else text[start + 1 : end]
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return str(json.loads(f'"{_NO_ESCAPE.sub(_doubled, inner)}"', strict=False))


_MARK = f'"{MARK}"'
# A backslash that begins no escape, as where a string is cut off; RFC 8259, section 7.
_NO_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|\\')


def _doubled(escape: re.Match[str]) -> str:
    return escape[0] if len(escape[0]) > 1 else "\\\\"


def is_whole(text: str, scalar: Scalar) -> bool:
    """Whether a string has its closing quote: the token's expression takes an escaped one for a part of it."""
    if scalar.end - scalar.start < len('""') or text[scalar.end - 1] != '"':
        return False
    before = scalar.end - 2
    while before > scalar.start and text[before] == "\\":
        before -= 1
    return (scalar.end - 2 - before) % 2 == 0


def encoded(value: str, *, closed: bool = True) -> str:
    """The JSON string that stands for the text; half of a surrogate pair, which UTF-8 has not, escaped."""
    if closed and value == MARK:
        return _MARK
    try:
        value.encode()
    except UnicodeEncodeError:
        text = json.dumps(value)
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if closed else text[:-1]


_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\]]', re.DOTALL)


def end_of_json(text: str, begin: int) -> int:
    """Where the bracket that opens at the beginning is closed again; the end of the text where it is not."""
    depth = 0
    for token in _BRACKET.finditer(text, begin):
        character = text[token.start()]
        depth += (character in "{[") - (character in "}]")
        if depth == 0:
            return token.end()
    return len(text)


def unescaped(text: str) -> str | None:
    """What a part of a JSON string stands for, a backslash that begins no escape for itself; None for what is none."""
    for inner in (text, _NO_ESCAPE.sub(_doubled, text)):
        try:
            return str(json.loads(f'"{inner}"', strict=False))
        except ValueError:
            continue
    return None
