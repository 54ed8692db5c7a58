"""What a document says of an audit event beside the event itself: who, how it ended, and in one line what happened."""

from http import HTTPStatus

import orjson
from msgspec import Raw, Struct

from forwarder.formats.audit.actor import audit_actor
from forwarder.formats.audit.cache import Repetitions
from forwarder.formats.audit.dry_run import CHANGES, is_dry_run
from forwarder.formats.audit.event import AuditEvent
from forwarder.formats.audit.rbac import rbac_of
from forwarder.formats.audit.reader import AuditRecord, Fitted
from forwarder.formats.audit.sentences import (
    FIRST_ERROR,
    FIRST_REDIRECT,
    Ending,
    audit_ending,
    audit_sentence,
    audit_subject,
)
from forwarder.formats.audit.workload import workload_of
from forwarder.formats.format import ALLOWED, DENIED, FAILED
from forwarder.json_values import JsonObject, JsonValue, as_object, is_http_status

# Of a Status, where its code is masked or missing (k8s.io/apimachinery, meta/v1, StatusReason).
_DENIALS = ("Forbidden", "Unauthorized")

_SEVERITY_OF_OUTCOME = {DENIED: "WARNING", FAILED: "ERROR"}


class _Who(Struct, frozen=True, gc=False):
    subject: str
    actor: Raw


class AuditBlocks:
    """Writes what documents say of audit events; it remembers users and endings, of which there are few.

    `owner` is the AWS account of the cluster.
    """

    def __init__(self, owner: str = "") -> None:
        self._owner = owner
        self._whos = Repetitions[tuple[Fitted, Fitted, Fitted], _Who]()
        self._endings = Repetitions[tuple[Fitted, Fitted, bool], Ending]()

    def of(self, record: AuditRecord) -> dict[str, object]:
        """The members, `actor` as JSON."""
        event, who, ending = record.event, self._who(record), self._ending(record)
        is_dry = event.verb in CHANGES and is_dry_run(record, ending.outcome)
        block: dict[str, object] = {
            **(record.others or {}),
            "severity": ending.severity,
            "message": audit_sentence(who.subject, event, record.generated_name, ending, is_dry_run=is_dry),
        }
        if who.actor:
            block["actor"] = who.actor
        if ending.outcome:
            block["outcome"] = ending.outcome
        if is_dry:
            block["dry_run"] = True
        if record.generated_name:
            block["generated_name"] = record.generated_name
        if record.is_truncated:
            block["truncated"] = True
        if record.request is not None or record.response is not None:
            block |= _lifted(event, record.request, record.response)
        return block

    def _who(self, record: AuditRecord) -> _Who:
        key = (record.user, record.impersonated, record.source_ips)
        if (known := self._whos.get(key)) is not None:
            return known
        user, impersonated = as_object(record.user.value), as_object(record.impersonated.value)
        actor = audit_actor(user, impersonated, record.source_ips.value, self._owner)
        json = Raw(orjson.dumps(actor)) if actor else Raw()
        size = record.user.size + record.impersonated.size + record.source_ips.size
        return self._whos.keep(key, _Who(audit_subject(user, impersonated), json), size)

    def _ending(self, record: AuditRecord) -> Ending:
        is_panic = record.event.stage == "Panic"
        key = (record.status, record.annotations, is_panic)
        if (known := self._endings.get(key)) is not None:
            return known
        status = as_object(record.status.value)
        code = status.get("code")
        code = code if isinstance(code, int) and is_http_status(code) else None
        outcome = _outcome(code, status, as_object(record.annotations.value), is_panic=is_panic)
        # Where one was sent elsewhere, nothing was done yet.
        is_done = outcome == ALLOWED and (code is None or code < FIRST_REDIRECT or code == HTTPStatus.NOT_MODIFIED)
        ending = Ending(audit_ending(status), outcome, is_done, _severity(code, outcome))
        return self._endings.keep(key, ending, record.status.size + record.annotations.size)


def _lifted(event: AuditEvent, request: JsonValue, response: JsonValue) -> dict[str, object]:
    blocks = {"workload": workload_of(event, request, response), "rbac": rbac_of(event, request, response)}
    return {name: block for name, block in blocks.items() if block}


def _outcome(code: int | None, status: JsonObject, annotations: JsonObject, *, is_panic: bool) -> str | None:
    """How a request ended: denied, failed or allowed; None while it is not known (RequestReceived)."""
    decision, reason = annotations.get("authorization.k8s.io/decision"), status.get("reason")
    if decision == "forbid" or code in (401, 403) or (code is None and reason in _DENIALS):
        return DENIED
    if is_panic or (code is not None and code >= FIRST_ERROR) or (code is None and status.get("status") == "Failure"):
        return FAILED
    return ALLOWED if code is not None or status.get("status") == "Success" else None


def _severity(code: int | None, outcome: str | None) -> str:
    """A client's mistake (404, 409) is everyday and a WARNING; what the server failed at is an ERROR."""
    if outcome == FAILED and code is not None and code < 500:  # noqa: PLR2004 - HTTP: 4xx is the client's
        return "WARNING"
    return _SEVERITY_OF_OUTCOME.get(outcome or ALLOWED, "INFO")
