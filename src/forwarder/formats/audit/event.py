"""An audit event as Kubernetes types it, its objects still JSON: what no one asks about is not decoded.

Source: k8s.io/apiserver, pkg/apis/audit/v1/types.go (and v1beta1, whose events say `timestamp`).
"""

from typing import Annotated, TypeAlias

from msgspec import Meta, Raw, Struct

ABSENT = Raw()

# Texts that fit the index template whatever characters they are of: half of the field's `ignore_above`, which counts
# UTF-16 code units. msgspec refuses a longer one, at no cost to all the others; the reader then cuts it.
_To32: TypeAlias = Annotated[str, Meta(max_length=32)] | None
_To64: TypeAlias = Annotated[str, Meta(max_length=64)] | None
_To128: TypeAlias = Annotated[str, Meta(max_length=128)] | None
_To512: TypeAlias = Annotated[str, Meta(max_length=512)] | None
_To4095: TypeAlias = Annotated[str, Meta(max_length=4095)] | None


class ObjectRef(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a request was about; a member that the event does not have is None."""

    resource: _To128 = None
    subresource: _To128 = None
    namespace: _To128 = None
    name: _To512 = None
    uid: _To64 = None
    apiGroup: _To128 = None
    apiVersion: _To32 = None
    resourceVersion: _To64 = None


NO_OBJECT = ObjectRef()


class AuditEvent(Struct, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """One audit event; a text that it does not have is None, an object ABSENT.

    That there are members of other names is told by refusing them: so it costs nothing where there are none.
    """

    kind: _To128 = None
    apiVersion: _To128 = None
    level: _To32 = None
    auditID: _To64 = None
    stage: _To32 = None
    requestURI: _To4095 = None
    verb: _To32 = None
    user: Raw = ABSENT
    impersonatedUser: Raw = ABSENT
    sourceIPs: Raw = ABSENT
    authenticationMetadata: Raw = ABSENT
    userAgent: _To512 = None
    objectRef: ObjectRef | None = None
    responseStatus: Raw = ABSENT
    requestObject: Raw = ABSENT
    responseObject: Raw = ABSENT
    requestReceivedTimestamp: str | None = None
    stageTimestamp: str | None = None
    timestamp: str | None = None
    # Of v1beta1: when the event was made, which its other times tell too. It is not stored.
    metadata: Raw = ABSENT
    annotations: Raw = ABSENT
