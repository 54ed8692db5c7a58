"""The operator's own rules: further telling names, and patterns of further secrets, checked before they are used."""

import re

LONGEST_OWN_NAME = 100
LONGEST_PATTERN = 500
_NAME = re.compile(r"(?=.*[A-Za-z]{2})[A-Za-z0-9 ._-]+")
# A group with a repetition in it that is itself repeated: on a text that almost matches it takes exponential time.
_REPEATED_REPETITION = re.compile(
    r"\((?:[^()\\]|\\.)*(?:(?<!\\)[+*]|\{[0-9]+,[0-9]*\})(?:[^()\\]|\\.)*\)(?:[+*]|\{[0-9]+,)"
)


def names_of(text: str) -> tuple[str, ...]:
    """The names of a list separated by commas.

    Raises:
        ValueError: one of them is no name of letters, digits, blanks, dots, dashes and underscores; it says which.
    """
    names = tuple(name for part in text.split(",") if (name := part.strip()))
    for name in names:
        if len(name) > LONGEST_OWN_NAME or _NAME.fullmatch(name) is None:
            raise ValueError(
                f"has the name {name[:LONGEST_OWN_NAME]!r}: a name has two letters or more, and else digits, '.', '-' "
                f"and '_', {LONGEST_OWN_NAME} characters at most; commas separate names"
            )
    return names


def patterns_of(text: str) -> tuple[re.Pattern[str], ...]:
    r"""The regular expressions of a list separated by blanks; a blank within one is written `\s`.

    Raises:
        ValueError: one of them is none, matches an empty text, or can take for ever; it says which, and why.
    """
    return tuple(_pattern(pattern) for pattern in text.split())


def _pattern(text: str) -> re.Pattern[str]:
    shown = f"has the pattern {text[:LONGEST_PATTERN]!r}"
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(f"{shown}, which is no regular expression: {error}") from None
    if len(text) > LONGEST_PATTERN:
        raise ValueError(f"{shown}, which has more than {LONGEST_PATTERN} characters")
    if pattern.match("") is not None:
        raise ValueError(f"{shown}, which matches everywhere, as it matches an empty text")
    if _REPEATED_REPETITION.search(text) is not None:
        raise ValueError(f"{shown}, which repeats a repetition: write (a+)+ as a+")
    return pattern
