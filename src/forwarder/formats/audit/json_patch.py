"""What a JSON patch asks for, as far as it can be told without the object that it changes.

Source: RFC 6902 (operations) and RFC 6901 (paths).
"""

import re

from forwarder.json_values import JsonObject, JsonValue, as_object, as_objects

# Deeper than any object of Kubernetes.
_MOST_STEPS = 32
# Also with a sign: the API server's library (evanphx/json-patch) counts -1 from the end, and takes +0 for 0.
_INDEX = re.compile(r"-|[-+]?[0-9]+")


def patched_members(patch: JsonValue, after: JsonObject) -> JsonObject:
    """The members of an object that a JSON patch touches, with what it puts there; None where it only takes away.

    Where a member or an item of it is put, that is the value itself. Where a part of an item is put, or something that
    stands elsewhere is copied, it is the member as it is in `after`, the object after the patch; where that is not
    known, lists and objects of nothing but what is put.
    """
    members: JsonObject = {}
    for operation in as_objects(patch):
        kind, path = operation.get("op"), operation.get("path")
        if kind == "test" or not isinstance(path, str):
            continue
        steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1 : _MOST_STEPS + 1]]
        is_put = kind in ("add", "replace")
        if not steps:
            members |= as_object(operation.get("value")) if is_put else after
        elif kind == "remove":
            members.setdefault(steps[0], None)
        elif (not is_put or len(steps) > 2) and steps[0] in after:  # noqa: PLR2004 - the member, and an item of it
            members[steps[0]] = after[steps[0]]
        elif is_put:
            _merge(members, as_object(_nested(steps, operation.get("value"))))
    return members


def _nested(steps: list[str], value: JsonValue) -> JsonValue:
    if not steps:
        return [*value] if isinstance(value, list) else value
    inner = _nested(steps[1:], value)
    return [inner] if _INDEX.fullmatch(steps[0]) is not None else {steps[0]: inner}


def _merge(into: JsonObject, more: JsonObject) -> None:
    for name, value in more.items():
        there = into.get(name)
        if isinstance(there, dict) and isinstance(value, dict):
            _merge(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            there.extend(value)
        else:
            into[name] = value
