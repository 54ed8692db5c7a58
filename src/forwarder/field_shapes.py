"""Fitting JSON of any shape to what the index template maps.

`dynamic: false` keeps unknown fields out of the mapping, yet OpenSearch still answers 400 for a scalar where an object
is mapped, for the reverse, and for names such as "", ".", "a..b" anywhere in a mapped object; and a keyword longer than
its `ignore_above` is stored without being indexed, so that no query finds it. Either would hide an attacker's record,
so nothing reaches a mapped object but through here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from forwarder.json_values import JsonObject, JsonValue, as_keyword, as_keywords, cut

Fit: TypeAlias = Callable[[JsonValue], JsonValue]

# Each segment between dots has something printable in it; anything else OpenSearch refuses or reads ambiguously.
_PATH = re.compile(r"[^.\s\x00-\x1f]+(?:\.[^.\s\x00-\x1f]+)*+")
_NO_SEGMENT = re.compile(r"[.\s\x00-\x1f]")
_LONGEST_NAME = 256
_NAMES_REMEMBERED = 1000


# What most keywords of the index template hold: their `ignore_above`.
LONGEST_KEYWORD = 1024


@dataclass(frozen=True, slots=True)
class Keyword:
    """Any JSON value as a text of at most `longest` UTF-16 code units: the field's `ignore_above`."""

    longest: int = LONGEST_KEYWORD

    def __call__(self, value: JsonValue) -> str | None:
        """The text; None for null. A list of one counts as what is in it."""
        if isinstance(value, str) and len(value) * 2 <= self.longest:
            return value
        text = as_keyword(value[0] if isinstance(value, list) and len(value) == 1 else value)
        return None if text is None else cut(text, self.longest)


@dataclass(frozen=True, slots=True)
class Keywords:
    """A list of such texts, also for a single value."""

    longest: int = LONGEST_KEYWORD

    def __call__(self, value: JsonValue) -> list[JsonValue]:
        """The texts; none for null."""
        if isinstance(value, list) and len(value) == 1 and isinstance(text := value[0], str):
            # As all of `user.extra` are.
            return value if len(text) * 2 <= self.longest else [cut(text, self.longest)]
        return [cut(text, self.longest) for text in as_keywords(value) if isinstance(text, str)]


def if_true(value: JsonValue) -> JsonValue:
    """True, or nothing: no boolean of a document is ever false."""
    return True if value is True else None


def object_of(fits: Mapping[str, Fit]) -> Fit:
    """An object with exactly these members, each fitted; members that come out empty are left out."""
    # How many characters fit whatever they are: in UTF-16 one takes up to two.
    short = {name: fit.longest // 2 for name, fit in fits.items() if isinstance(fit, Keyword)}

    def fit(value: JsonValue) -> JsonValue:
        if not isinstance(value, dict):
            return None
        fitted: JsonObject = {}
        # Over what is there, not over all that could be, since most is absent; texts, which most is, need no call.
        for name, member in value.items():
            if name in short and isinstance(member, str) and len(member) <= short[name]:
                fitted[name] = member
            elif name in fits and ((kept := fits[name](member)) or _holds(kept)):
                fitted[name] = kept
        return fitted or None

    return fit


def objects_of(fits: Mapping[str, Fit]) -> Fit:
    """A list of such objects; a single one counts as a list of one."""
    fit_one = object_of(fits)

    def fit(value: JsonValue) -> JsonValue:
        items = value if isinstance(value, list) else [value]
        return [fitted for item in items if (fitted := fit_one(item)) is not None] or None

    return fit


def one_object(fit: Fit, of_scalar: Fit | None = None) -> Fit:
    """An object, also the first of a list; of another first value what `of_scalar` makes of it."""

    def fit_one(value: JsonValue) -> JsonValue:
        if isinstance(value, list):
            value = next((item for item in value if isinstance(item, dict)), value[0] if value else None)
        return fit(value if isinstance(value, dict) or of_scalar is None else of_scalar(value))

    return fit_one


def open_object(known: Mapping[str, Fit], fit_other: Fit) -> Fit:
    """An object whose member names are not all known: known ones are fitted, others unless they could clash with them.

    A name with dots is a path to OpenSearch, so `a` and `a.b` cannot both be mapped; a name that is the beginning of
    a known path, or has a known path as its beginning, is left out (the raw record still has it).
    """
    beginnings = frozenset(beginning for name in known for beginning in _beginnings(name))

    @lru_cache(maxsize=_NAMES_REMEMBERED)
    def is_safe(name: str) -> bool:
        return is_field_name(name) and name not in beginnings and known.keys().isdisjoint(_beginnings(name))

    def fit(value: JsonValue) -> JsonValue:
        if not isinstance(value, dict):
            return None
        fitted: JsonObject = {}
        for name, member in value.items():
            fit_value = known.get(name) or (fit_other if is_safe(name) else None)
            if fit_value is not None and ((kept := fit_value(member)) or _holds(kept)):
                fitted[name] = kept
        return fitted or None

    return fit


def is_field_name(name: str) -> bool:
    """Whether OpenSearch takes the name in a mapped object, where it is not mapped itself."""
    return len(name) <= _LONGEST_NAME and _PATH.fullmatch(name) is not None


def flat_object(fields: Mapping[str, str]) -> JsonObject:
    """Text fields under names that are one segment each: dots become underscores, so that no name is a path."""
    return {_segment(name): cut(text, LONGEST_KEYWORD) for name, text in fields.items()}


def text_only(value: JsonValue) -> JsonValue:
    """The value where it is a string; for fields, such as dates, that an object or a list would break."""
    return value if isinstance(value, str) else None


def first_keyword(value: JsonValue) -> str | None:
    """The value as a keyword; of a list its first member."""
    return as_keyword(value[0] if isinstance(value, list) and value else value)


def _holds(value: JsonValue) -> bool:
    return value is not None and value not in ([], {})


def _beginnings(path: str) -> list[str]:
    segments = path.split(".")[:-1]
    return [".".join(segments[: length + 1]) for length in range(len(segments))]


def _segment(name: str) -> str:
    segment = name if name.isidentifier() else _NO_SEGMENT.sub("_", name)
    return segment[:_LONGEST_NAME] or "_"
