"""An audit event as Kubernetes types it, its objects still JSON: what no one asks about is not decoded.

Source: k8s.io/apiserver, pkg/apis/audit/v1/types.go (and v1beta1, whose events say `timestamp`).
"""

from msgspec import Raw, Struct

ABSENT = Raw()


class ObjectRef(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a request was about; a member that the event does not have is None."""

    resource: str | None = None
    subresource: str | None = None
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None
    apiGroup: str | None = None  # noqa: N815 - Kubernetes' name
    apiVersion: str | None = None  # noqa: N815 - Kubernetes' name
    resourceVersion: str | None = None  # noqa: N815 - Kubernetes' name


NO_OBJECT = ObjectRef()


class AuditEvent(Struct, gc=False, omit_defaults=True):
    """One audit event; a text that it does not have is None, an object ABSENT."""

    kind: str | None = None
    apiVersion: str | None = None  # noqa: N815 - Kubernetes' name, as all that follow
    level: str | None = None
    auditID: str | None = None  # noqa: N815
    stage: str | None = None
    requestURI: str | None = None  # noqa: N815
    verb: str | None = None
    user: Raw = ABSENT
    impersonatedUser: Raw = ABSENT  # noqa: N815
    sourceIPs: Raw = ABSENT  # noqa: N815
    userAgent: str | None = None  # noqa: N815
    objectRef: ObjectRef | None = None  # noqa: N815
    responseStatus: Raw = ABSENT  # noqa: N815
    requestObject: Raw = ABSENT  # noqa: N815
    responseObject: Raw = ABSENT  # noqa: N815
    requestReceivedTimestamp: str | None = None  # noqa: N815
    stageTimestamp: str | None = None  # noqa: N815
    timestamp: str | None = None
    annotations: Raw = ABSENT
