"""The one line of a document that a person reads, whatever the record's format."""

from collections.abc import Mapping

from forwarder.json_values import JsonObject, JsonValue, as_object

LONGEST_LINE = 1000

_PAST = {
    "create": "created",
    "delete": "deleted",
    "deletecollection": "deleted all of",
    "get": "read",
    "list": "listed",
    "patch": "patched",
    "post": "posted to",
    "put": "wrote to",
    "update": "updated",
    "watch": "watched",
}
_ENDED = "ResponseComplete"
_FIRST_ERROR = 400


def one_line(text: str) -> str:
    """The first line that has something in it, cut at LONGEST_LINE characters."""
    line = text if text.isprintable() else next((line for line in text.splitlines() if line.strip()), "")
    line = line.strip()
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def audit_sentence(event: JsonObject) -> str:
    """Who did what to what, and how it ended: `kubernetes-admin deleted pods default/my-app: 200`."""
    status = as_object(event.get("responseStatus"))
    code, stage = status.get("code"), event.get("stage")
    ending = " ".join(str(part) for part in (code, status.get("reason")) if part is not None)
    sentence = f"{_who(event)} {_did(str(event.get('verb', 'called')), code)} {_target(event)}"
    if ending:
        sentence += f": {ending}"
    return one_line(sentence if stage in (_ENDED, None) else f"{sentence} ({stage})")


def klog_sentence(message: str, fields: Mapping[str, str]) -> str:
    """The message with its key/values behind it: `Successfully bound pod to node: pod=default/my-app node=…`."""
    about = " ".join(f"{name}={one_line(value)}" for name, value in fields.items())
    return one_line(f"{one_line(message)}: {about}" if about else message)


def authenticator_sentence(pairs: Mapping[str, str]) -> str:
    """The message with the identity and the error that it is about."""
    identity = " as ".join(pairs[name] for name in ("arn", "username") if pairs.get(name))
    parts = [pairs.get("msg", ""), identity, pairs.get("error", "")]
    return one_line(": ".join(part for part in parts if part))


def _who(event: JsonObject) -> str:
    user = as_object(event.get("user")).get("username") or "someone"
    impersonated = as_object(event.get("impersonatedUser")).get("username")
    return f"{user} as {impersonated}" if impersonated else str(user)


def _did(verb: str, code: JsonValue) -> str:
    if code in (401, 403):
        return f"may not {verb}"
    if isinstance(code, int) and code >= _FIRST_ERROR:
        return f"failed to {verb}"
    return _PAST.get(verb, verb)


def _target(event: JsonObject) -> str:
    ref = as_object(event.get("objectRef"))
    if not ref.get("resource"):
        return str(event.get("requestURI", "?"))
    resource = "/".join(str(ref[name]) for name in ("resource", "subresource") if ref.get(name))
    place = "/".join(str(ref[name]) for name in ("namespace", "name") if ref.get(name))
    return f"{resource} {place}".rstrip()
