r"""Strings as Go writes them in log lines: strconv.Quote, which klog and logrus (`%q`) use.

Source: Go, package strconv, functions Quote and UnquoteChar.
"""

import re
from typing import NamedTuple

# A quoted string; Go escapes line breaks. The quantifiers are possessive: a match or a failure costs one pass.
QUOTED = re.compile(r'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"')

_ESCAPE = re.compile(
    r"(?P<bytes>(?:\\x[0-9a-fA-F]{2})+)"
    r"|\\u(?P<short>[0-9a-fA-F]{4})"
    r"|\\U(?P<long>[0-9a-fA-F]{8})"
    r"|\\(?P<single>.)",
    re.DOTALL,
)
_SINGLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'"}
_TO_ESCAPE = re.compile(r'["\\]|[^ -~]')
_END_OF_ASCII = 0x80
_END_OF_FOUR_DIGITS = 0x10000
# Numbers that stand for halves of a pair in UTF-16, and for no character (Unicode, "Surrogates").
_SURROGATES = range(0xD800, 0xE000)
_END_OF_UNICODE = 0x110000
_SHORT_ESCAPES = {character: f"\\{letter}" for letter, character in _SINGLE.items() if letter != "'"}


class ValueSpan(NamedTuple):
    """Where a value stands in the text of a record.

    Attributes:
        key: its key; empty for a message and for text without keys.
        start: of its first character, the opening quote if it has one.
        end: behind its last character, the closing quote if it has one.
        quoted: whether `unquote` reads it; otherwise it is what it stands for.
    """

    key: str
    start: int
    end: int
    quoted: bool


def quote(text: str) -> str:
    """The text as strconv.Quote writes it: in quotes, what cannot be printed escaped; `unquote` reads it back."""
    return f'"{_TO_ESCAPE.sub(_escape, text)}"'


def _escape(character: re.Match[str]) -> str:
    text = character[0]
    if text in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[text]
    if text.isprintable():
        return text
    code_point = ord(text)
    if not _is_character(code_point):
        return "\ufffd"
    if code_point < _END_OF_ASCII:  # from there on `\x80` would be a byte, not a character
        return f"\\x{code_point:02x}"
    return f"\\u{code_point:04x}" if code_point < _END_OF_FOUR_DIGITS else f"\\U{code_point:08x}"


def unquote(quoted: str) -> str:
    r"""What a quoted string stands for; an escape that Go would not write stays as it is.

    Go writes bytes that are no UTF-8 as `\x..`; they come out as U+FFFD, since text fields hold no bytes.
    """
    inner = quoted[1:-1]
    return _ESCAPE.sub(_unescape, inner) if "\\" in inner else inner


# An escape that was cut off, behind whole ones of backslashes.
_CUT_ESCAPE = re.compile(
    r"(?P<whole>(?<!\\)(?:\\\\)*+)\\(?:x[0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?\Z", re.DOTALL
)


def unquote_beginning(cut_off: str) -> str:
    """What the beginning of a quoted string stands for; half an escape at its end is left out."""
    return unquote(_CUT_ESCAPE.sub(r"\g<whole>", cut_off) + '"')


def read_text(text: str) -> str:
    """What a text stands for that is quoted, or quoted and cut off, or neither."""
    if not text.startswith('"'):
        return text
    return unquote(text) if QUOTED.fullmatch(text) else unquote_beginning(text)


def _unescape(escape: re.Match[str]) -> str:
    if escape["bytes"]:
        return bytes.fromhex(escape["bytes"].replace("\\x", "")).decode("utf-8", "replace")
    if escape["single"]:
        return _SINGLE.get(escape["single"], escape[0])
    code_point = int(escape["short"] or escape["long"], 16)
    return chr(code_point) if _is_character(code_point) else "\ufffd"


def _is_character(code_point: int) -> bool:
    return code_point < _END_OF_UNICODE and code_point not in _SURROGATES
