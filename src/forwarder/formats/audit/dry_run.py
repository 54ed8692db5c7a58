"""Whether a request was to be carried out without being stored.

Read exactly as kube-apiserver does, since a client could otherwise hide what it did: where what is recorded leaves it
open, it was no dry run. Sources: k8s.io/apiserver, pkg/endpoints/handlers (create.go, update.go, patch.go: options of
the query; delete.go: of the body, and of the query only where there is no body), pkg/util/dryrun, and apimachinery,
meta/v1/validation (`All` is the only value); kubernetes, pkg/registry/core/pod/storage/eviction.go (options of either).
"""

from urllib.parse import parse_qsl

from forwarder.formats.audit.event import AuditEvent, ObjectRef
from forwarder.formats.audit.reader import LONGEST_URI, AuditRecord
from forwarder.formats.audit.workload import OWN_GROUPS
from forwarder.formats.format import ALLOWED
from forwarder.json_values import JsonValue, as_object

_DELETES = ("delete", "deletecollection")
CHANGES = frozenset({"create", "update", "patch", *_DELETES})
# Handlers that know of no dry run: a connection is made, and a token issued.
_ALWAYS_DONE = ("attach", "exec", "portforward", "proxy", "token")
_REVIEWS = ("authentication.k8s.io", "authorization.k8s.io")
# What custom resources have; an API server of another's, which is called like them, may have any.
_OF_CUSTOM_RESOURCES = (None, "scale", "status")
_BODY_LEFT_OUT = "audit.k8s.io/truncated"


def is_dry_run(record: AuditRecord, outcome: str | None) -> bool:
    """Whether it was one.

    Args:
        record: the event, with its bodies.
        outcome: how it ended.
    """
    event, request = record.event, record.request
    ref, uri = event.objectRef, event.requestURI or ""
    if event.verb not in CHANGES or ref is None:
        return False
    if event.verb in _DELETES and request is not None:
        return _is_all(as_object(request).get("dryRun")) and _heeds_dry_run(ref)
    is_asked = "?" in uri and _asks_for_dry_run(uri)
    if ref.subresource == "eviction" and isinstance(request, dict):
        is_asked = is_asked or _is_all(as_object(request.get("deleteOptions")).get("dryRun"))
    if not is_asked or not _heeds_dry_run(ref):
        return False
    if event.verb not in _DELETES:
        # What is passed on to another API server, which may know of no dry run, is recorded without bodies.
        return _is_own(ref) or request is not None
    return outcome == ALLOWED and _has_no_body(record, event, ref)


def _has_no_body(record: AuditRecord, event: AuditEvent, ref: ObjectRef) -> bool:
    """Whether the request had no body, and not only the record."""
    is_whole = not record.is_truncated and _BODY_LEFT_OUT not in as_object(record.annotations.value)
    is_own = _is_own(ref) or record.response is not None
    return is_whole and is_own and event.level != "Metadata" and event.stage != "RequestReceived"


def _heeds_dry_run(ref: ObjectRef) -> bool:
    if ref.subresource in _ALWAYS_DONE or ref.apiGroup in _REVIEWS:
        return False
    return _is_own(ref) or ref.subresource in _OF_CUSTOM_RESOURCES


def _is_own(ref: ObjectRef) -> bool:
    group = ref.apiGroup or ""
    return "." not in group or group in OWN_GROUPS


def _asks_for_dry_run(uri: str) -> bool:
    query = uri.partition("?")[2]
    if ("dryRun" not in query and "%" not in query) or len(uri) >= LONGEST_URI:
        return False
    return _is_all([value for name, value in parse_qsl(query, keep_blank_values=True) if name == "dryRun"])


def _is_all(values: JsonValue) -> bool:
    return isinstance(values, list) and bool(values) and all(value == "All" for value in values)
