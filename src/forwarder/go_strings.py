r"""Strings as Go writes them in log lines: strconv.Quote, which klog and logrus (`%q`) use.

Source: Go, package strconv, functions Quote and UnquoteChar.
"""

import re

# A quoted string; the quantifier is possessive, so that a match or a failure costs one pass.
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)

_ESCAPE = re.compile(
    r"(?P<bytes>(?:\\x[0-9a-fA-F]{2})+)"
    r"|\\u(?P<short>[0-9a-fA-F]{4})"
    r"|\\U(?P<long>[0-9a-fA-F]{8})"
    r"|\\(?P<single>.)",
    re.DOTALL,
)
_SINGLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"', "'": "'"}


def unquote(quoted: str) -> str:
    r"""What a quoted string stands for; an escape that Go would not write stays as it is.

    Go writes bytes that are no UTF-8 as `\x..`; they come out as U+FFFD, since text fields hold no bytes.
    """
    inner = quoted[1:-1]
    return _ESCAPE.sub(_unescape, inner) if "\\" in inner else inner


def _unescape(escape: re.Match[str]) -> str:
    if escape["bytes"]:
        return bytes.fromhex(escape["bytes"].replace("\\x", "")).decode("utf-8", "replace")
    if escape["single"]:
        return _SINGLE.get(escape["single"], escape[0])
    code_point = int(escape["short"] or escape["long"], 16)
    return chr(code_point) if _is_character(code_point) else "\ufffd"


def _is_character(code_point: int) -> bool:
    return code_point < 0xD800 or 0xE000 <= code_point < 0x110000  # noqa: PLR2004 - Unicode's surrogates and its end
