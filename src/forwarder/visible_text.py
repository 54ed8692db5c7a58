"""Text of a record as a person reads it: on one line, what is not seen escaped, and no longer than can be searched."""

import re
import unicodedata

from forwarder.json_values import cut

# In UTF-16 code units, as `ignore_above` of `message.keyword` counts.
LONGEST_LINE = 1000
# What is printable and shows nothing: Unicode's Default_Ignorable_Code_Point outside of Cf, and an empty Braille cell.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\U00016fe4\U0001d159"
    "\U00013441\U00013442"
    "\U000e0000-\U000e0fff]"
)
_NOT_ASCII = re.compile(r"[^ -~]")


def one_line(text: str) -> str:
    """The first line that has something in it, its control characters escaped, cut at LONGEST_LINE."""
    line = text if text.isprintable() else next((line for line in text.splitlines() if line.strip()), "")
    return shortened(unbroken(line), LONGEST_LINE)


def unbroken(text: str) -> str:
    """All lines as one that can be seen, about as long as a line may be: line breaks and the like are escaped."""
    text = text.strip()[: LONGEST_LINE + 1]
    if text.isascii() and text.isprintable():
        return text
    return _NOT_ASCII.sub(lambda found: found[0] if _is_text(found[0]) else escaped(found[0]), text)


def is_seen(character: str) -> bool:
    """Whether the character shows something, or is a plain blank."""
    return character.isprintable() and _INVISIBLE.match(character) is None


def escaped(character: str) -> str:
    r"""The character as Python writes it: `\n`, `\u202e`."""
    escape = repr(character)[1:-1]
    if escape != character:
        return escape
    code_point = ord(character)
    return f"\\u{code_point:04x}" if code_point <= 0xFFFF else f"\\U{code_point:08x}"  # noqa: PLR2004 - what 4 digits say


def shortened(text: str, longest: int) -> str:
    """The text, cut behind `longest` UTF-16 code units, with an ellipsis as the last of them."""
    if len(text) * 2 <= longest:
        return text
    short = cut(text, longest)
    return text if short == text else f"{cut(text, longest - 1)}…"


def _is_text(character: str) -> bool:
    """Whether it is seen, or a blank of any width."""
    return is_seen(character) or character == "\t" or unicodedata.category(character) == "Zs"
