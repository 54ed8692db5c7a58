"""Asking a question: which one is meant, and what was chosen."""

import inspect
import re
from collections import Counter
from collections.abc import Mapping

from eks_logs.errors import NotAnswerable
from eks_logs.questions import ASKING, Asking, Question, slug

_WORD = re.compile(r"[a-z0-9]+")
_COMPOUND = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
# Words that say nothing of which question is meant.
_COMMON = frozenset(
    ("a", "an", "and", "are", "by", "did", "do", "for", "in", "into", "is", "it", "my", "of", "on", "or", "the", "to")
)
_STEM_LENGTH = 5


def choices(asking: Asking) -> tuple[str, ...]:
    """What a person may choose in a question, as the options of the command line spell it."""
    return tuple(name.replace("_", "-") for name in inspect.signature(asking).parameters)


def all_choices() -> tuple[str, ...]:
    """What may be chosen in any question, sorted."""
    return tuple(sorted({name for asking in ASKING for name in choices(asking)}))


def find_question(words: str) -> Asking:
    """The question of that number, or the one that has most of these words; rare words count for more.

    Raises:
        NotAnswerable: there is none, or several fit alike; the message names them.
    """
    if words.strip().isdecimal():
        return _numbered(int(words))
    stems = [_stems(f"{asking().text} {slug(asking)}") for asking in ASKING]
    frequency = Counter(stem for found in stems for stem in found)
    scores = [sum(1 / frequency[stem] for stem in _stems(words) & found) for found in stems]
    best = [asking for asking, score in zip(ASKING, scores, strict=True) if score == max(scores)]
    if max(scores) == 0:
        raise NotAnswerable(f'no question has words of "{words}"; `ask --list` has them all')
    if len(best) > 1:
        raise NotAnswerable(f"several questions fit: {_listed(best)}; add a word, or give the number")
    return best[0]


def _numbered(number: int) -> Asking:
    if not 1 <= number <= len(ASKING):
        raise NotAnswerable(f"the questions have the numbers 1 to {len(ASKING)}; `ask --list` has them")
    return ASKING[number - 1]


def _stems(text: str) -> frozenset[str]:
    """The beginnings of the words, so that `deleted` and `deletes` are one; and names such as `aws-auth` as a whole."""
    words = (word for word in _WORD.findall(text.lower()) if word not in _COMMON)
    return frozenset(word[:_STEM_LENGTH].rstrip("s") for word in words).union(_COMPOUND.findall(text.lower()))


def _listed(asked: list[Asking]) -> str:
    return "; ".join(f"{question.number} {question.text}" for question in (asking() for asking in asked))


def chosen_question(asking: Asking, chosen: Mapping[str, str]) -> Question:
    """The question, about what a person chose.

    Args:
        asking: The question.
        chosen: Values by option, without dashes before it.

    Raises:
        NotAnswerable: the question has no such choice.
    """
    known = choices(asking)
    if unknown := sorted(set(chosen) - set(known)):
        takes = f"takes {_options(known)}" if known else "takes no options"
        raise NotAnswerable(f'"{asking().text}" has no {_options(unknown)}; it {takes}')
    return asking(
        **{
            name.replace("-", "_"): int(value) if value.isdecimal() and name == "top" else value
            for name, value in chosen.items()
        }
    )


def _options(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"--{name}" for name in names)
