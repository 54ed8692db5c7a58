"""The data of Secrets as Go prints it: `%v`, `%+v` and `%#v` of the object, or of its `Data`.

Sources: Go, package fmt; k8s.io/api, core/v1/generated.pb.go (`func (this *Secret) String()`).
"""

import re

from forwarder.redaction.rules import MARK, Rule, Tell, replaced

# `Data:map[string][]byte{`: bytes are the data of Secrets; other maps only where the text tells of a Secret.
_BYTES = re.compile(r"map\[string\]\[\](?:byte|uint8)\{|\b[sS]ecret [dD]ata: ?map\[")
_OF_SECRET = re.compile(r"\b(?:Data|StringData): ?(?:map\[string\](?:string|\[\](?:byte|uint8))\{|map\[)")
_TELLS_OF_SECRET = re.compile(r"\bSecret\{|Kind: ?\\*\"?Secret\b|kind: ?\\*\"?Secret\b|\*v1\.Secret|\bStringData:")
_STRING = r"\\{0,7}\"(?:[^\"\\]|\\[^\"])*+\\{0,7}\""
_ENTRY_OF_BRACES = re.compile(
    rf"[\s,]*+(?P<name>{_STRING}|[\w.-]{{1,253}}): ?"
    r"(?P<value>\[\](?:byte|uint8)(?:\{[^}]*+\}?|\([^)]*+\)?)|\[[0-9 ]*+\]?|\\{0,7}\"(?:[^\"\\]|\\[^\"])*+\\{0,7}\"?"
    r"|(?:[^,}]|,(?!\s*+(?:\}|[\w.-]{1,253}: )))++)"
)
_ENTRY_OF_BRACKETS = re.compile(
    r"[ ]*+(?P<name>[\w.-]{1,253}):(?P<value>\[[0-9 ]*+\]?|[^\]\s]*+(?:[ ]++(?![\w.-]{1,253}:)[^\]\s]++)*+)"
)


def redact_dumps(text: str, tell: Tell) -> str:
    """The values of maps that are the data of a Secret."""
    if "map[" not in text:
        return text
    heads = [*_BYTES.finditer(text)]
    if _TELLS_OF_SECRET.search(text) is not None:
        heads = sorted((*heads, *_OF_SECRET.finditer(text)), key=re.Match.end)
    edits: list[tuple[int, int, str]] = []
    done = 0
    for head in heads:
        if head.end() < done:
            continue
        found, done = _values(text, head.end(), _ENTRY_OF_BRACES if head[0].endswith("{") else _ENTRY_OF_BRACKETS)
        edits += ((begin, end, MARK) for begin, end in found if begin < end and not text.startswith(MARK, begin))
    if not edits:
        return text
    tell(Rule.SECRET_DATA)
    return replaced(text, edits)


def _values(text: str, position: int, pattern: re.Pattern[str]) -> tuple[list[tuple[int, int]], int]:
    """Where the values of a map stand, from behind its bracket on, and where it ends."""
    found: list[tuple[int, int]] = []
    while (entry := pattern.match(text, position)) is not None and entry.end() > position:
        found.append(entry.span("value"))
        position = entry.end()
    return found, position
