"""The one line of a document that a person reads, whatever the record's format."""

from collections.abc import Mapping

from forwarder.audit_event import AuditEvent
from forwarder.json_values import JsonObject

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
FIRST_ERROR = 400


def one_line(text: str) -> str:
    """The first line that has something in it, cut at LONGEST_LINE characters."""
    line = text if text.isprintable() else next((line for line in text.splitlines() if line.strip()), "")
    line = line.strip()
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def audit_sentence(who: str, event: AuditEvent, code: int | None, ending: str) -> str:
    """Who did what to what, and how it ended: `kubernetes-admin deleted pods default/my-app: 200`.

    Args:
        who: as `audit_subject` says it.
        event: what was done, and in which stage.
        code: HTTP's, of the response.
        ending: as `audit_ending` says it.
    """
    verb = "called" if event.verb is None else event.verb
    sentence = f"{who} {_did(verb, code)} {_target(event)}{ending}"
    return one_line(sentence if event.stage in (_ENDED, None) else f"{sentence} ({event.stage})")


def audit_subject(user: JsonObject, impersonated: JsonObject) -> str:
    """The user, and as whom: `ada as system:admin`."""
    username, other = user.get("username") or "someone", impersonated.get("username")
    return f"{username} as {other}" if other else str(username)


def audit_ending(status: JsonObject) -> str:
    """Code and reason of a response: `: 404 NotFound`; nothing where there are none."""
    parts = " ".join(str(status[name]) for name in ("code", "reason") if name in status)
    return f": {parts}" if parts else ""


def klog_sentence(message: str, fields: Mapping[str, str]) -> str:
    """The message with its key/values behind it: `Successfully bound pod to node: pod=default/my-app node=…`."""
    about = " ".join(f"{name}={one_line(value)}" for name, value in fields.items())
    return one_line(f"{one_line(message)}: {about}" if about else message)


def authenticator_sentence(pairs: Mapping[str, str]) -> str:
    """The message with the identity and the error that it is about."""
    identity = " as ".join(pairs[name] for name in ("arn", "username") if pairs.get(name))
    parts = [pairs.get("msg", ""), identity or pairs.get("accountid", ""), pairs.get("error", "")]
    return one_line(": ".join(part for part in parts if part))


def _did(verb: str, code: int | None) -> str:
    if code in (401, 403):
        return f"may not {verb}"
    if code is not None and code >= FIRST_ERROR:
        return f"failed to {verb}"
    return _PAST.get(verb, verb)


def _target(event: AuditEvent) -> str:
    ref = event.objectRef
    if ref is None or not ref.resource:
        return "?" if event.requestURI is None else event.requestURI
    resource = f"{ref.resource}/{ref.subresource}" if ref.subresource else ref.resource
    place = "/".join(part for part in (ref.namespace, ref.name) if part)
    return f"{resource} {place}".rstrip()
