"""Audit events as the requests that they tell of, as far as causes need them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

Source: TypeAlias = Mapping[str, Any]
"""A document of the index."""

PEOPLE = ("iam", "user", "anonymous")
"""The values of `actor.kind` that nothing leads back from."""

STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
"""The stages of a request in their order."""

API_SERVER = "system:apiserver"
"""The API server's own client, which makes what every cluster has (RBAC bootstrap, its Service, its leases)."""

FIELDS = (
    *("cluster", "region", "@owner"),
    *("log_type", "@id", "@timestamp", "auditID", "stage", "verb", "outcome", "requestURI", "dry_run"),
    *("actor.kind", "actor.username", "actor.session_name", "actor.iam_arn", "objectRef", "generated_name"),
    *("requestReceivedTimestamp", "responseStatus.details", "requestObject.metadata", "requestObject.spec"),
    *("requestObject.path", "requestObject.value", "requestObject.preconditions", "requestObject.dryRun"),
    *("requestObject.deleteOptions", "requestObject.target", "responseObject.metadata", "responseObject.details"),
    *("responseObject.spec.nodeName", "responseObject.spec.replicas"),
)
"""What of a document tells causes."""

ORIGIN = ("cluster", "region", "@owner")
"""The fields that tell clusters apart."""

NOT_FIELDS = ("requestObject.spec.template.spec.volumes", "requestObject.spec.volumes", "*.env", "*.managedFields")

_KUBE_SYSTEM = "system:serviceaccount:kube-system:"

CHANGES = frozenset({"create", "update", "patch"})

VERBS = frozenset({*CHANGES, "delete", "deletecollection"})

QUIET_SUBRESOURCES = frozenset(
    {"status", "token", "log", "proxy", "exec", "attach", "portforward", "approval", "finalize"}
)
"""What changes nothing that a controller would act on."""

OWNER_OF_CONTROLLER = {
    "deployment-controller": "deployments",
    "replicaset-controller": "replicasets",
    "replication-controller": "replicationcontrollers",
    "statefulset-controller": "statefulsets",
    "daemon-set-controller": "daemonsets",
    "job-controller": "jobs",
    "cronjob-controller": "cronjobs",
}
"""By a controller the resource whose objects it carries out."""

WORKLOADS = frozenset(OWNER_OF_CONTROLLER.values())


Identity: TypeAlias = tuple[str, ...]
"""What the records of one request have in common, and no other has."""


@dataclass(frozen=True)
class Thing:
    """An object of a cluster, as far as it is known."""

    resource: str
    namespace: str
    name: str
    uid: str = ""
    by_name: bool = False

    def may_be(self, uid: str) -> bool:
        """Whether nothing says that this is another object of that name."""
        return not (self.uid and uid) or self.uid == uid


@dataclass(frozen=True)
class Request:
    """A request that changes something, from its last stage.

    Attributes:
        key: What no other request has: see `identity`.
        origin: Its cluster, region and account: see `origin_of`.
        who: The IAM session's name, else the user name.
        controller: Name of the service account in kube-system; empty for anyone else.
        verb: Kubernetes' own.
        thing: What it is about; without a name for a collection.
        owners: The owners that its bodies name.
        time: When the API server received it.
        effective: It was allowed, and no dry run.
        node: Of a pod, the node that it runs on, or is made for.
    """

    key: Identity
    origin: Identity
    cluster: str
    audit_id: str
    who: str
    username: str
    session_name: str
    iam_arn: str
    kind: str
    controller: str
    verb: str
    thing: Thing
    subresource: str
    owners: tuple[Thing, ...]
    time: datetime
    effective: bool
    uri: str
    labels: Mapping[str, str] | None
    generation: int | None
    created: datetime | None
    node: str
    body: Any

    @property
    def is_deletion(self) -> bool:
        """Whether it deletes objects by name: by `delete`, or a pod by eviction."""
        if self.verb == "delete":
            return not self.subresource
        return self.verb == "create" and self.subresource == "eviction"

    @property
    def scales(self) -> bool:
        """Whether it says nothing but how many there are to be."""
        if self.subresource == "scale":
            return True
        if self.controller == "deployment-controller" and self.verb in {"update", "patch"}:
            return self.thing.resource == "replicasets"
        return self.verb == "patch" and self.spec_members == frozenset({"replicas"})

    @cached_property
    def spec_members(self) -> frozenset[str] | None:
        """Of a patch, the members of `spec` that it names; None where it does not say."""
        if isinstance(self.body, list):
            paths = [str(mapping_of(part).get("path", "")).split("/") for part in self.body]
            if any(path in ([""], ["", "spec"]) for path in paths):
                return None
            return frozenset(path[2] for path in paths if len(path) > 2 and path[1] == "spec")  # noqa: PLR2004 - /spec/x
        if self.verb != "patch" or not isinstance(self.body, Mapping) or not self.body:
            return None
        return frozenset(mapping_of(self.body.get("spec")))


def mapping_of(value: object) -> Mapping[str, Any]:
    """A JSON object; an empty one where it is anything else."""
    return value if isinstance(value, Mapping) else {}


def text_of(value: object) -> str:
    """A text; an empty one where it is anything else."""
    return value if isinstance(value, str) else ""


def _time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(text_of(value))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def identity(source: Source) -> Identity | None:
    """What tells the request of an audit event from any other; None of other records, and where a part is missing.

    A client may write the `auditID`, by the header Audit-ID, so it is not enough: two requests would be taken for one.
    Source: Kubernetes, apiserver/pkg/endpoints/filters/audit_init.go ("we save the user specified value").
    """
    parts = ("auditID", "requestReceivedTimestamp", "requestURI")
    audit_id, received, uri = (text_of(source.get(part)) for part in parts)
    return (*origin_of(source), audit_id, received, uri) if audit_id and received else None


def origin_of(source: Source) -> Identity:
    """The cluster of a record: its name, region and account, since clusters of other regions may be called alike."""
    return tuple(text_of(source.get(name)) for name in ORIGIN)


def one_of_each_request(sources: Iterable[Source]) -> list[Source]:
    """The last stage of each request, at the place of its first; records that do not tell their request stay."""
    last: dict[object, Source] = {}
    for position, source in enumerate(sources):
        key = identity(source) or position
        if key not in last or _stage(last[key]) < _stage(source):
            last[key] = source
    return list(last.values())


def _stage(source: Source) -> int:
    stage = source.get("stage")
    return STAGES.index(stage) if stage in STAGES else -1


def request_of(source: Source) -> Request | None:
    """The request of an audit event; None of other records, and of requests that change nothing."""
    reference, actor = mapping_of(source.get("objectRef")), mapping_of(source.get("actor"))
    time = _time(source.get("requestReceivedTimestamp")) or _time(source.get("@timestamp"))
    verb, username = text_of(source.get("verb")), text_of(actor.get("username"))
    if verb not in VERBS or not reference or time is None:
        return None
    body, answer = source.get("requestObject"), mapping_of(source.get("responseObject"))
    asked, answered = mapping_of(mapping_of(body).get("metadata")), mapping_of(answer.get("metadata"))
    details = mapping_of(answer.get("details")) or mapping_of(mapping_of(source.get("responseStatus")).get("details"))
    preconditions = mapping_of(mapping_of(body).get("preconditions"))
    namespace, cluster = text_of(reference.get("namespace")), text_of(source.get("cluster"))
    resource = text_of(reference.get("resource"))
    name = text_of(reference.get("name")) or text_of(source.get("generated_name"))
    uids = (reference.get("uid"), answered.get("uid"), details.get("uid"), preconditions.get("uid"))
    kind, session = text_of(actor.get("kind")), text_of(actor.get("session_name"))
    is_controller = kind == "service_account" and username.startswith(_KUBE_SYSTEM)
    generation, labels = answered.get("generation"), answered.get("labels") or asked.get("labels")
    audit_id, uri = text_of(source.get("auditID")), text_of(source.get("requestURI"))
    return Request(
        key=identity(source) or (*origin_of(source), audit_id, text_of(source.get("@id")), time.isoformat(), uri),
        origin=origin_of(source),
        cluster=cluster,
        audit_id=audit_id,
        who=session or username,
        username=username,
        session_name=session,
        iam_arn=text_of(actor.get("iam_arn")),
        kind=kind,
        controller=username.removeprefix(_KUBE_SYSTEM) if is_controller else "",
        verb=verb,
        thing=Thing(
            resource,
            # A namespace's own reference names it as its namespace too.
            "" if resource == "namespaces" else namespace,
            name,
            next((uid for uid in map(text_of, uids) if uid), ""),
        ),
        subresource=text_of(reference.get("subresource")),
        owners=_owners(answered, namespace) or _owners(asked, namespace),
        time=time,
        effective=source.get("outcome") == "allowed" and not (source.get("dry_run") or _is_dry_run(uri, body)),
        uri=uri,
        labels=labels if isinstance(labels, Mapping) else None,
        generation=generation if isinstance(generation, int) else None,
        created=_time(answered.get("creationTimestamp")),
        node=text_of(mapping_of(answer.get("spec")).get("nodeName")) or _node(mapping_of(body)),
        body=body,
    )


def _is_dry_run(uri: str, body: object) -> bool:
    options = mapping_of(body)
    parts = (options.get("dryRun"), mapping_of(options.get("deleteOptions")).get("dryRun"), query_of(uri).get("dryRun"))
    return any(parts)


def query_of(uri: str) -> dict[str, list[str]]:
    """The parameters of an address; none where it is no address."""
    try:
        return parse_qs(urlsplit(uri).query)
    except ValueError:
        return {}


def _node(body: Mapping[str, Any]) -> str:
    """The node that a binding names, or that the DaemonSet controller makes a pod for."""
    found: Any = body.get("spec")
    for name in ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"):
        found = mapping_of(found).get(name)
    terms = mapping_of(found).get("nodeSelectorTerms")
    (term,) = terms if isinstance(terms, list) and len(terms) == 1 else ({},)
    fields = mapping_of(term).get("matchFields")
    for field in map(mapping_of, fields if isinstance(fields, list) else ()):
        if field.get("key") == "metadata.name" and isinstance(field.get("values"), list) and len(field["values"]) == 1:
            return text_of(field["values"][0])
    return text_of(mapping_of(body.get("target")).get("name"))


def _owners(metadata: Mapping[str, Any], namespace: str) -> tuple[Thing, ...]:
    """The owners of an object, the one that controls it first."""
    references = metadata.get("ownerReferences")
    found = [mapping_of(reference) for reference in references] if isinstance(references, list) else []
    found.sort(key=lambda reference: reference.get("controller") is not True)
    return tuple(
        Thing(_plural(kind), namespace, name, text_of(reference.get("uid")))
        for reference in found
        if (kind := text_of(reference.get("kind"))) and (name := text_of(reference.get("name")))
    )


def _plural(kind: str) -> str:
    """The resource of a kind, as Kubernetes guesses it (`UnsafeGuessKindToResource`)."""
    word = kind.lower()
    if word.endswith("endpoints"):
        return word
    if word.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def is_effect(request: Request) -> bool:
    """Whether it is for another to have caused it: a controller, node or component that creates, scales or deletes."""
    if request.kind in PEOPLE or not request.kind or request.username == API_SERVER:
        return False
    if request.subresource in QUIET_SUBRESOURCES:
        return False
    return request.verb not in {"update", "patch"} or (
        request.thing.resource in WORKLOADS and (request.scales or request.controller != "")
    )


def is_confirmation(request: Request) -> bool:
    """Whether it is a kubelet's: it deletes a pod once its containers have ended, for somebody has deleted it."""
    return request.kind == "node" and request.verb == "delete" and request.thing.resource == "pods"
