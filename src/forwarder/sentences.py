"""The one line of a document that a person reads, whatever the record's format."""

import json
import re
from collections.abc import Mapping

from forwarder.formats.audit.event import AuditEvent
from forwarder.json_values import JsonObject, cut

# In UTF-16 code units, as `ignore_above` of `message.keyword` counts.
LONGEST_LINE = 1000
# Of a name, an address or an ending in a line that would be longer.
_LONGEST_PART = 240

# What a verb is called: before it is known how it ends, and when it has been done.
_WORDS = {
    "create": ("create", "created"),
    "delete": ("delete", "deleted"),
    "deletecollection": ("delete all of", "deleted all of"),
    "get": ("get", "read"),
    "list": ("list", "listed"),
    "patch": ("patch", "patched"),
    "post": ("post to", "posted to"),
    "put": ("write to", "wrote to"),
    "update": ("update", "updated"),
    "watch": ("watch", "watched"),
}
# Subresources that are something one does, and not something one reads or writes: by WebSocket the verb is `get`, by
# SPDY `create` (Kubernetes, "Authorization", request verbs of exec, attach and portforward).
_CONNECTING = {
    ("pods", "attach"): ("attach to pod", "attached to pod"),
    ("pods", "eviction"): ("evict pod", "evicted pod"),
    ("pods", "exec"): ("exec into pod", "exec'd into pod"),
    ("pods", "log"): ("read the log of pod", "read the log of pod"),
    ("pods", "portforward"): ("forward ports of pod", "forwarded ports of pod"),
}
_PROXIES = {"nodes": "node", "pods": "pod", "services": "service"}
_ASKED, _STARTED, _ENDED = "RequestReceived", "ResponseStarted", "ResponseComplete"
ALLOWED = "allowed"
DENIED = "denied"
FAILED = "failed"
FIRST_ERROR = 400
# Line breaks, what a terminal obeys, and what turns the direction of writing: with them a text could look like others.
_CONTROL = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def one_line(text: str) -> str:
    """The first line that has something in it, its control characters escaped, cut at LONGEST_LINE."""
    line = text if text.isprintable() else next((line for line in text.splitlines() if line.strip()), "")
    return _shortened(_visible(line.strip()[: LONGEST_LINE + 1]), LONGEST_LINE)


def audit_sentence(who: str, event: AuditEvent, generated_name: str | None, outcome: str | None, ending: str) -> str:
    """Who did what to what, and how it ended: `kubernetes-admin deleted pods default/my-app: 200`.

    Args:
        who: as `audit_subject` says it.
        event: what was done, and in which stage.
        generated_name: of an object that the server named.
        outcome: how it ended, one of ALLOWED, DENIED and FAILED; None while that is not known.
        ending: as `audit_ending` says it.
    """
    (before, after), target = _words(event, generated_name)
    if outcome == DENIED:
        did = f"may not {before}"
    elif outcome == FAILED:
        did = f"failed to {before}"
    elif event.stage == _ASKED:
        did = f"asked to {before}"
    elif event.stage == _STARTED:
        did = f"began to {before}"
    else:
        did = after
    stage = "" if event.stage in (_ENDED, None) else f" ({event.stage})"
    sentence = _visible(f"{who} {did} {target}{ending}{stage}")
    if cut(sentence, LONGEST_LINE) == sentence:
        return sentence
    # No part may push another off the line.
    did, target, ending, stage = (_shortened(_visible(part), _LONGEST_PART) for part in (did, target, ending, stage))
    return _shortened(f"{who} {did} {target}{ending}{stage}", LONGEST_LINE)


def audit_subject(user: JsonObject, impersonated: JsonObject) -> str:
    """The user, and as whom: `ada as system:admin`; a name with blanks in it is quoted, lest it read as a sentence."""
    username, other = user.get("username") or "someone", impersonated.get("username")
    names = [_shortened(_visible(str(name)), _LONGEST_PART) for name in (username, other) if name]
    return " as ".join(json.dumps(name, ensure_ascii=False) if " " in name else name for name in names)


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


def _words(event: AuditEvent, generated_name: str | None) -> tuple[tuple[str, str], str]:
    """What is done, before and after it, and what it is done to."""
    verb = "call" if event.verb is None else event.verb
    words = _WORDS.get(verb) or (verb, "called" if event.verb is None else verb)
    ref = event.objectRef
    if ref is None or not ref.resource:
        return words, "?" if event.requestURI is None else event.requestURI
    if name := ref.name or generated_name:
        place = f"{ref.namespace}/{name}" if ref.namespace else name
    else:
        place = f"in namespace {ref.namespace}" if ref.namespace else ""
    if ref.subresource:
        if connecting := _CONNECTING.get((ref.resource, ref.subresource)):
            return connecting, place
        if ref.subresource == "proxy" and (kind := _PROXIES.get(ref.resource)):
            return (f"proxy {verb} to {kind}", f"proxied {verb} to {kind}"), place
        return words, f"{ref.resource}/{ref.subresource} {place}".rstrip()
    return words, f"{ref.resource} {place}".rstrip()


def _visible(text: str) -> str:
    return text if text.isprintable() else _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def _shortened(text: str, longest: int) -> str:
    short = cut(text, longest)
    return text if short == text else f"{cut(text, longest - 1)}…"
