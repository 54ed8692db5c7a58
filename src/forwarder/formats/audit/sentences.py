"""An audit event in one line that a person reads: who did what to what, and how it ended."""

import re

from msgspec import Struct

from forwarder.formats.audit.event import NO_OBJECT, AuditEvent
from forwarder.formats.format import DENIED, FAILED
from forwarder.json_values import JsonObject
from forwarder.visible_text import LONGEST_LINE, escaped, is_seen, shortened

# Of a name, an address or an ending in a line that would be longer.
_LONGEST_PART = 240

# What a verb is called: before it is known how it ends, and when it has been done.
_WORDS = {
    "connect": ("connect to", "connected to"),
    "create": ("create", "created"),
    "delete": ("delete", "deleted"),
    "deletecollection": ("delete all", "deleted all"),
    "get": ("get", "read"),
    "head": ("ask for the head of", "asked for the head of"),
    "list": ("list", "listed"),
    "options": ("ask for the options of", "asked for the options of"),
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
FIRST_REDIRECT, FIRST_ERROR = 300, 400
# A name or an address as nearly all are: nothing in it parts words or quotes them.
_PLAIN = re.compile(r"[!#-\[\]-~]*+")
_QUOTED = {'"': '\\"', "\\": "\\\\"}


class Ending(Struct, frozen=True, gc=False):
    """How a request ended.

    Attributes:
        text: as `audit_ending` says it.
        outcome: one of ALLOWED, DENIED and FAILED; None while that is not known.
        is_done: whether the answer says that it was done.
        severity: of the document.
    """

    text: str
    outcome: str | None
    is_done: bool
    severity: str


def audit_sentence(
    who: str, event: AuditEvent, generated_name: str | None, ending: Ending, *, is_dry_run: bool = False
) -> str:
    """Who did what to what, and how it ended: `kubernetes-admin deleted pods default/my-app: 200`.

    Args:
        who: as `audit_subject` says it.
        event: what was done, and in which stage.
        generated_name: of an object that the server named.
        ending: how it ended.
        is_dry_run: whether all was done but to store it.
    """
    (before, after), target = _words(event, generated_name)
    if ending.outcome == DENIED:
        did = f"may not {before}"
    elif ending.outcome == FAILED:
        did = f"failed to {before}"
    elif event.stage == _ASKED:
        did = f"asked to {before}"
    elif event.stage == _STARTED:
        did = f"began to {before}"
    elif ending.is_done or (ending.outcome is None and event.stage == _ENDED):
        did = after
    else:
        did = f"asked to {before}"
    sentence = f"{who} {did} {target}{ending.text}"
    if event.stage not in (_ENDED, None):
        sentence = f"{sentence} ({_part(event.stage or '', 64)})"
    return shortened(f"{sentence} (dry run)" if is_dry_run else sentence, LONGEST_LINE)


def audit_subject(user: JsonObject, impersonated: JsonObject) -> str:
    """The user, and as whom: `ada as system:admin`; a name with blanks in it is quoted, lest it read as a sentence."""
    username, other = user.get("username") or "someone", impersonated.get("username")
    return " as ".join(_part(str(name), _LONGEST_PART) for name in (username, other) if name)


def audit_ending(status: JsonObject) -> str:
    """Code and reason of a response: `: 404 NotFound`; nothing where there are none."""
    parts = " ".join(_part(str(status[name]), _LONGEST_PART) for name in ("code", "reason") if name in status)
    return f": {parts}" if parts else ""


def _words(event: AuditEvent, generated_name: str | None) -> tuple[tuple[str, str], str]:
    """What is done, before and after it, and what it is done to."""
    ref = event.objectRef or NO_OBJECT
    verb, resource, subresource = event.verb or "", ref.resource or "", ref.subresource or ""
    namespace, name, uri = ref.namespace or "", ref.name or generated_name or "", event.requestURI or "?"
    together = f"{verb}{resource}{subresource}{namespace}{name}" if resource else f"{verb}{uri}"
    if len(together) > _LONGEST_PART or _PLAIN.fullmatch(together) is None:
        # Each by itself, and none so long that it pushes another off the line.
        resource, namespace, name = (_part(text, _LONGEST_PART // 2) for text in (resource, namespace, name))
        verb, subresource, uri = _part(verb, 64), _part(subresource, 64), _part(uri, _LONGEST_PART * 2)
    words = _WORDS.get(verb) or ((f"call {verb} on", f"called {verb} on") if verb else ("call", "called"))
    if not resource:
        return words, uri
    place = f"{namespace}/{name}" if namespace and name else name or (f"in namespace {namespace}" if namespace else "")
    if subresource:
        if connecting := _CONNECTING.get((resource, subresource)):
            return connecting, place
        if subresource == "proxy" and (kind := _PROXIES.get(resource)):
            means = f"{verb or 'something'} through the proxy of {kind}"
            return (f"call {means}", f"called {means}"), place
        resource = f"{resource}/{subresource}"
    return words, f"{resource} {place}" if place else resource


def _part(text: str, longest: int) -> str:
    """A part of a sentence: quoted, and what is not seen escaped, unless it is one word and could be no sentence."""
    if not text or _PLAIN.fullmatch(text):
        return text if len(text) <= longest else shortened(text, longest)
    text = text[: longest + 1]
    shown = "".join(
        _QUOTED.get(character) or (character if is_seen(character) else escaped(character)) for character in text
    )
    # A word of another script is one too.
    if shown == text and " " not in text:
        return shortened(text, longest)
    return f'"{shortened(shown, longest)}"'
