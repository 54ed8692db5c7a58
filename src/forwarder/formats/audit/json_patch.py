"""What a JSON patch asks for, as far as it can be told without the object that it changes.

Source: RFC 6902 (operations) and RFC 6901 (paths).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from forwarder.json_values import JsonObject, JsonValue, as_object, as_objects

# Deeper than any object of Kubernetes.
_MOST_STEPS = 32
# Also with a sign: the API server's library (evanphx/json-patch) counts -1 from the end, and takes +0 for 0.
_INDEX = re.compile(r"-|[-+]?[0-9]+")
# The member, and an item of it.
_ITEM = 2


def patched_members(
    patch: JsonValue, after: JsonObject, at: tuple[str, ...] = (), *, as_asked: bool = False
) -> JsonObject:
    """The members of an object that a JSON patch touches, with what it puts there; None where it only takes away.

    Where a member or an item of it is put, that is the value itself. Where a part of an item is put, or something that
    stands elsewhere is copied, it is the member as it is in `after`, the object after the patch; where that is not
    known, lists and objects of nothing but what is put.

    Args:
        patch: the list of operations.
        after: the object after the patch; empty where it is not known.
        at: the path of the object within that which is patched.
        as_asked: whether a part of an item that is put counts alone, without what was there before.
    """
    members: JsonObject = {}
    for change in _changes(patch):
        within = change.steps[len(at) :]
        if change.steps[: len(at)] != at[: len(change.steps)]:
            continue
        if not within:
            members |= _at(change.value, at[len(change.steps) :]) if change.is_known else after
        elif change.takes_away:
            members.setdefault(within[0], None)
        elif within[0] in after and (change.copies or (len(within) > _ITEM and not as_asked)):
            members[within[0]] = after[within[0]]
        elif change.is_known:
            members = _merged(members, as_object(_nested(within, change.value)))
    return members


class _Change(NamedTuple):
    """An operation: where, whether it is known what it puts there, and what that is."""

    steps: tuple[str, ...]
    is_known: bool
    value: JsonValue
    copies: bool
    takes_away: bool


def _changes(patch: JsonValue) -> Iterator[_Change]:
    """The operations of a patch that change something; what is copied is known if the patch itself put it there."""
    put: dict[tuple[str, ...], JsonValue] = {}
    copied: set[tuple[int, tuple[str, ...]]] = set()
    for operation in as_objects(patch):
        kind, path = operation.get("op"), operation.get("path")
        if kind == "test" or not isinstance(path, str):
            continue
        steps, copies = _steps(path), kind in ("copy", "move")
        is_known, value = kind in ("add", "replace"), operation.get("value")
        if copies:
            is_known, value = _put_before(put, operation.get("from"))
            # Once: a list that is copied again and again would grow without end.
            if is_known and (id(value), steps) in copied:
                continue
            copied.add((id(value), steps))
        if is_known:
            put[steps] = value
        yield _Change(steps, is_known, value, copies, kind == "remove")


def _steps(path: str) -> tuple[str, ...]:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1 : _MOST_STEPS + 1])


def _put_before(put: dict[tuple[str, ...], JsonValue], source: JsonValue) -> tuple[bool, JsonValue]:
    """Whether an earlier operation put what is copied or moved, and what it was."""
    steps = _steps(source) if isinstance(source, str) else ()
    for length in range(len(steps), 0, -1):
        if steps[:length] in put:
            return True, _value_at(put[steps[:length]], steps[length:])
    return False, None


def _value_at(value: JsonValue, steps: tuple[str, ...]) -> JsonValue:
    for step in steps:
        if isinstance(value, list) and _INDEX.fullmatch(step):
            index = -1 if step == "-" else int(step[:_MOST_STEPS])
            value = value[index] if -len(value) <= index < len(value) else None
        else:
            value = as_object(value).get(step)
    return value


def _at(value: JsonValue, path: tuple[str, ...]) -> JsonObject:
    for name in path:
        value = as_object(value).get(name)
    return as_object(value)


def _nested(steps: tuple[str, ...], value: JsonValue) -> JsonValue:
    if not steps:
        return value
    inner = _nested(steps[1:], value)
    return [inner] if _INDEX.fullmatch(steps[0]) is not None else {steps[0]: inner}


def _merged(there: JsonObject, more: JsonObject) -> JsonObject:
    """Both; a new object, since what a patch puts may be copied from later on."""
    merged = {**there}
    for name, value in more.items():
        before = there.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[name] = _merged(before, value)
        elif isinstance(before, list) and isinstance(value, list):
            merged[name] = before + value
        else:
            merged[name] = value
    return merged
