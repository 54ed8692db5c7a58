"""What led to a controller's request: a chain of audit events back to the request of a person, a role or a program.

Plain data in, plain data out. A cause is a request of the same cluster that was allowed, was no dry run and reached the
API server earlier; the order is that of `requestReceivedTimestamp`, since CloudWatch Logs' times follow the delivery.

Sources: Kubernetes, "Garbage Collection" (owner references), "API-initiated Eviction", "Deployments" (template hash);
k8s.io/apimachinery, pkg/util/rand (the letters of generated names); audit.k8s.io/v1.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    *("cluster", "log_type", "@id", "@timestamp", "auditID", "stage", "verb", "outcome", "requestURI"),
    *("actor.kind", "actor.username", "actor.session_name", "actor.iam_arn", "objectRef", "generated_name"),
    *("requestReceivedTimestamp", "responseStatus.details", "requestObject.metadata", "requestObject.spec"),
    *("requestObject.path", "requestObject.value", "requestObject.preconditions", "requestObject.dryRun"),
    *("requestObject.deleteOptions", "responseObject.metadata", "responseObject.details"),
    *("responseObject.spec.nodeName", "responseObject.spec.replicas"),
)
"""What of a document tells causes."""

NOT_FIELDS = ("requestObject.spec.template.spec.volumes", "requestObject.spec.volumes", "*.env", "*.managedFields")

_KUBE_SYSTEM = "system:serviceaccount:kube-system:"
_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
_POD_SUFFIX = re.compile(rf"(?P<owner>.+)-{_RANDOM}{{5}}")
_INDEXED = re.compile(rf"(?P<owner>.+)-\d+-{_RANDOM}{{5}}")
_ORDINAL = re.compile(r"(?P<owner>.+)-\d+")
_HASH = re.compile(rf"(?P<owner>.+)-{_RANDOM}{{1,10}}")
# How names derive from the owner's: by resource the owner's resource, and how to read it.
_DERIVED: dict[str, tuple[tuple[str, re.Pattern[str]], ...]] = {
    "pods": (
        ("replicasets", _POD_SUFFIX),
        ("daemonsets", _POD_SUFFIX),
        ("jobs", _POD_SUFFIX),
        ("jobs", _INDEXED),
        ("replicationcontrollers", _POD_SUFFIX),
        ("statefulsets", _ORDINAL),
    ),
    "replicasets": (("deployments", _HASH),),
    "jobs": (("cronjobs", _ORDINAL),),
    "controllerrevisions": (("statefulsets", _HASH), ("daemonsets", _HASH)),
    "endpointslices": (("services", _POD_SUFFIX),),
}
_OWNER_OF_CONTROLLER = {
    "deployment-controller": "deployments",
    "replicaset-controller": "replicasets",
    "replication-controller": "replicationcontrollers",
    "statefulset-controller": "statefulsets",
    "daemon-set-controller": "daemonsets",
    "job-controller": "jobs",
    "cronjob-controller": "cronjobs",
}
_ENDS_BY_ITSELF = frozenset({"cronjob-controller"})
_MAKERS_OF_PODS = frozenset({*_OWNER_OF_CONTROLLER} - {"deployment-controller", "cronjob-controller"})
_TAINT_EVICTION = frozenset({"taint-eviction-controller", "node-controller"})
_IN_NEW_NAMESPACES = frozenset({"root-ca-cert-publisher", "service-account-controller"})
_CHANGES = frozenset({"create", "update", "patch"})
_VERBS = frozenset({*_CHANGES, "delete", "deletecollection"})
_SCALED = frozenset(_OWNER_OF_CONTROLLER.values())
_QUIET_SUBRESOURCES = frozenset({"status", "token", "log", "proxy", "exec", "attach", "portforward", "approval"})


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
        key: What no other request has: cluster and `auditID`.
        who: The IAM session's name, else the user name.
        controller: Name of the service account in kube-system; empty for anyone else.
        verb: Kubernetes' own.
        thing: What it is about; without a name for a collection.
        owners: The owners that its bodies name.
        time: When the API server received it.
        effective: It was allowed, and no dry run.
    """

    key: tuple[str, str]
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
            paths = [str(_object(part).get("path", "")).split("/") for part in self.body]
            if any(path in ([""], ["", "spec"]) for path in paths):
                return None
            return frozenset(path[2] for path in paths if len(path) > 2 and path[1] == "spec")  # noqa: PLR2004 - /spec/x
        if self.verb != "patch" or not isinstance(self.body, Mapping) or not self.body:
            return None
        return frozenset(_object(self.body.get("spec")))


@dataclass(frozen=True)
class Chain:
    """Requests, each of which led to the next.

    Attributes:
        links: The first cause first, the request that was asked about last.
        found: Whether the first is one that nothing leads back from; else its cause is not among the records.
        by_name: Whether a link rests on a name that derives from the owner's, not on a reference or a uid.
        confirmed: Names of pods that the last request deleted without naming them, as the kubelet confirmed.
    """

    links: tuple[Request, ...]
    found: bool
    by_name: bool
    confirmed: tuple[str, ...] = ()

    @property
    def confirms(self) -> tuple[str, str] | None:
        """The key of the real deletion, if the last request is the kubelet's, which confirms it."""
        return self.links[-2].key if len(self.links) > 1 and _is_kubelets(self.links[-1]) else None


Cause: TypeAlias = tuple[Request, bool]
"""A request, and whether it was found by a derived name alone."""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _time(value: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(_text(value))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def one_of_each_request(sources: Iterable[Source]) -> list[Source]:
    """The last stage of each request, at the place of its first; records without an `auditID` stay as they are."""
    last: dict[object, Source] = {}
    for position, source in enumerate(sources):
        audit_id = source.get("auditID")
        key = (source.get("cluster"), audit_id) if audit_id else position
        if key not in last or _stage(last[key]) < _stage(source):
            last[key] = source
    return list(last.values())


def _stage(source: Source) -> int:
    stage = source.get("stage")
    return STAGES.index(stage) if stage in STAGES else -1


def request_of(source: Source) -> Request | None:
    """The request of an audit event; None of other records, and of requests that change nothing."""
    reference, actor = _object(source.get("objectRef")), _object(source.get("actor"))
    time = _time(source.get("requestReceivedTimestamp")) or _time(source.get("@timestamp"))
    verb, username = _text(source.get("verb")), _text(actor.get("username"))
    if verb not in _VERBS or not reference or time is None:
        return None
    body, answer = source.get("requestObject"), _object(source.get("responseObject"))
    asked, answered = _object(_object(body).get("metadata")), _object(answer.get("metadata"))
    details = _object(answer.get("details")) or _object(_object(source.get("responseStatus")).get("details"))
    preconditions = _object(_object(body).get("preconditions"))
    namespace, cluster = _text(reference.get("namespace")), _text(source.get("cluster"))
    resource = _text(reference.get("resource"))
    name = _text(reference.get("name")) or _text(source.get("generated_name"))
    uids = (reference.get("uid"), answered.get("uid"), details.get("uid"), preconditions.get("uid"))
    kind, session = _text(actor.get("kind")), _text(actor.get("session_name"))
    is_controller = kind == "service_account" and username.startswith(_KUBE_SYSTEM)
    generation, labels = answered.get("generation"), answered.get("labels") or asked.get("labels")
    audit_id, uri = _text(source.get("auditID")), _text(source.get("requestURI"))
    return Request(
        key=(cluster, audit_id or _text(source.get("@id"))),
        cluster=cluster,
        audit_id=audit_id,
        who=session or username,
        username=username,
        session_name=session,
        iam_arn=_text(actor.get("iam_arn")),
        kind=kind,
        controller=username.removeprefix(_KUBE_SYSTEM) if is_controller else "",
        verb=verb,
        thing=Thing(
            resource,
            # A namespace's own reference names it as its namespace too.
            "" if resource == "namespaces" else namespace,
            name,
            next((uid for uid in map(_text, uids) if uid), ""),
        ),
        subresource=_text(reference.get("subresource")),
        owners=_owners(answered, namespace) or _owners(asked, namespace),
        time=time,
        effective=source.get("outcome") == "allowed" and not _is_dry_run(uri, body),
        uri=uri,
        labels=labels if isinstance(labels, Mapping) else None,
        generation=generation if isinstance(generation, int) else None,
        created=_time(answered.get("creationTimestamp")),
        node=_text(_object(answer.get("spec")).get("nodeName")),
        body=body,
    )


def _is_dry_run(uri: str, body: object) -> bool:
    options = _object(body)
    parts = (options.get("dryRun"), _object(options.get("deleteOptions")).get("dryRun"), _query(uri).get("dryRun"))
    return any(parts)


def _query(uri: str) -> dict[str, list[str]]:
    try:
        return parse_qs(urlsplit(uri).query)
    except ValueError:
        return {}


def _owners(metadata: Mapping[str, Any], namespace: str) -> tuple[Thing, ...]:
    """The owners of an object, the one that controls it first."""
    references = metadata.get("ownerReferences")
    found = [_object(reference) for reference in references] if isinstance(references, list) else []
    found.sort(key=lambda reference: reference.get("controller") is not True)
    return tuple(
        Thing(_plural(kind), namespace, name, _text(reference.get("uid")))
        for reference in found
        if (kind := _text(reference.get("kind"))) and (name := _text(reference.get("name")))
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
    if request.subresource in _QUIET_SUBRESOURCES:
        return False
    return request.verb not in {"update", "patch"} or (
        request.thing.resource in _SCALED and (request.scales or request.controller != "")
    )


def _is_kubelets(request: Request) -> bool:
    return request.kind == "node" and request.verb == "delete" and request.thing.resource == "pods"


def chains(rows: Iterable[Source], candidates: Iterable[Source]) -> tuple[Chain | None, ...]:
    """For each row what led to it.

    Args:
        rows: The records asked about, one for each request.
        candidates: Further records, in any order, among which causes may be; the rows themselves count too.

    Returns:
        A chain for each row; None where there is nothing to tell: the request of a person, or one that changes nothing.
        A program that acts of its own accord is a chain of one link.
    """
    asked = [request_of(row) for row in rows]
    known = [request for source in one_of_each_request(candidates) if (request := request_of(source))]
    records = _Records([*known, *(request for request in asked if request)])
    return tuple(records.chain(request) if request and is_effect(request) else None for request in asked)


class _Records:
    """The requests that may be causes, by cluster and resource, in the order of their time."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._by_resource: dict[tuple[str, str], list[Request]] = {}
        self._owners: dict[tuple[str, Thing], tuple[Thing, ...]] = {}
        self._chains: dict[tuple[str, str], Chain] = {}
        unique = {request.key: request for request in requests}.values()
        for request in sorted(unique, key=lambda request: request.time):
            self._by_resource.setdefault((request.cluster, request.thing.resource), []).append(request)
            if request.owners and not request.subresource:
                for thing in {request.thing, replace(request.thing, uid="")}:
                    self._owners[request.cluster, thing] = request.owners

    def chain(self, effect: Request) -> Chain:
        """What led to it; a cause is earlier than its effect, so this ends."""
        if effect.key not in self._chains:
            rule = _rule(effect)
            cause = rule(self, effect) if rule else None
            if cause is None:
                ends = rule is None or effect.controller in _ENDS_BY_ITSELF or effect.controller not in _RULES
                self._chains[effect.key] = Chain((effect,), found=ends and not _is_kubelets(effect), by_name=False)
            else:
                request, by_name = cause
                before = self.chain(request) if is_effect(request) else Chain((request,), found=True, by_name=False)
                self._chains[effect.key] = Chain(
                    (*before.links, effect), found=before.found, by_name=by_name or before.by_name
                )
        return self._chains[effect.key]

    def earlier(self, effect: Request, resource: str) -> list[Request]:
        """What may have caused it and is about that resource, in the order of time."""
        found = self._by_resource.get((effect.cluster, resource), ())
        return [request for request in found if request.effective and request.time < effect.time]

    def owners(self, request: Request) -> tuple[Thing, ...]:
        """The owners of what a request is about: as its bodies or another record say, else as the name lets guess."""
        thing = request.thing
        known = request.owners or next(
            (
                owners
                for key in (thing, replace(thing, uid=""))
                if (owners := self._owners.get((request.cluster, key))) and (key.uid or not thing.uid)
            ),
            (),
        )
        if known:
            return known
        only = _OWNER_OF_CONTROLLER.get(request.controller)
        return tuple(
            Thing(resource, thing.namespace, match["owner"], by_name=True)
            for resource, pattern in _DERIVED.get(thing.resource, ())
            if only in (None, resource) and (match := pattern.fullmatch(thing.name))
        )

    def deletion(self, effect: Request, thing: Thing, created: datetime | None = None) -> Cause | None:
        """The request that began to delete an object: the first since it was made, for later ones change nothing."""
        made, first = created, None
        for request in self.earlier(effect, thing.resource):
            if request.key == effect.key or _is_kubelets(request):
                continue
            is_it = _same(request.thing, thing) and thing.may_be(request.thing.uid)
            if is_it and request.verb == "create" and not request.subresource and created is None:
                made, first = request.time, None
            if made is not None and request.time < made:
                continue
            if first is None and (
                (is_it and request.is_deletion) or _deletes_among(request, thing, effect.labels, effect.thing)
            ):
                first = request
        return (first, thing.by_name) if first else None

    def change(self, effect: Request, owner: Thing, *, template: bool, verbs: frozenset[str]) -> Cause | None:
        """The last change of an owner's `spec`; of its pod template, if only that has such effects."""
        last: Request | None = None
        generations: set[int] = set()
        for request in self.earlier(effect, owner.resource):
            if not _same(request.thing, owner) or not owner.may_be(request.thing.uid) or request.verb not in _CHANGES:
                continue
            seen = request.generation is not None and request.generation in generations
            if request.generation is not None:
                generations.add(request.generation)
            if seen or request.subresource not in {"", "scale"} or request.controller == effect.controller:
                continue
            if request.spec_members == frozenset() or (template and request.scales) or request.verb not in verbs:
                continue
            last = request
        return (last, owner.by_name) if last else None

    def loss(self, effect: Request, owner: Thing) -> Cause | None:
        """The last deletion of another pod of that owner, which a controller makes good."""
        for request in reversed(self.earlier(effect, effect.thing.resource)):
            if _is_kubelets(request) or request.controller in {effect.controller, "namespace-controller"}:
                continue
            if request.is_deletion and request.thing.namespace == owner.namespace:
                owners = self.owners(request)
                for known in owners:
                    if _same(known, owner) and known.may_be(owner.uid):
                        return request, known.by_name or owner.by_name
            elif _deletes_among(request, effect.thing, effect.labels, effect.thing):
                return request, owner.by_name
        return None


def _same(one: Thing, other: Thing) -> bool:
    return (one.name, one.resource) == (other.name, other.resource) and (
        one.namespace == other.namespace or not one.namespace
    )


def _deletes_among(request: Request, thing: Thing, labels: Mapping[str, str] | None, labelled: Thing) -> bool:
    """Whether it deletes a collection that has the object, as far as its selectors can be told to choose it."""
    if request.verb != "deletecollection" or request.subresource or request.thing.name:
        return False
    if request.thing.namespace not in ("", thing.namespace):
        return False
    query = _query(request.uri)
    chosen = ",".join(query.get("labelSelector", []))
    named = ",".join(query.get("fieldSelector", []))
    if named and named.replace("==", "=") != f"metadata.name={thing.name}":
        return False
    if not chosen:
        return True
    own = labels if labelled.resource == thing.resource else None
    return own is not None and all(_holds(part, own) for part in chosen.split(","))


def _holds(requirement: str, labels: Mapping[str, str]) -> bool:
    """Whether labels fulfil a requirement: equality or presence. Of sets it is not told, so no."""
    part = requirement.strip()
    if "!=" in part:
        name, _, value = part.partition("!=")
        return labels.get(name.strip()) != value.strip()
    if "=" in part:
        name, _, value = part.replace("==", "=").partition("=")
        return labels.get(name.strip()) == value.strip()
    return part.removeprefix("!") not in labels if part.startswith("!") else part in labels


Rule: TypeAlias = Callable[[_Records, Request], Cause | None]


def _latest(causes: Iterable[Cause | None]) -> Cause | None:
    return max((cause for cause in causes if cause), key=lambda cause: cause[0].time, default=None)


def _deleted(records: _Records, effect: Request) -> Cause | None:
    """The kubelet confirms a deletion when the containers have ended."""
    return records.deletion(effect, effect.thing, effect.created)


def _owner_deleted(records: _Records, effect: Request) -> Cause | None:
    """The garbage collector deletes what has lost its owner."""
    places = [
        place for owner in records.owners(effect) for place in (owner, replace(owner, namespace="")) if owner.name
    ]
    return _latest(records.deletion(effect, place) for place in places)


def _namespace_deleted(records: _Records, effect: Request) -> Cause | None:
    namespace = effect.thing.name if effect.thing.resource == "namespaces" else effect.thing.namespace
    return records.deletion(effect, Thing("namespaces", "", namespace))


def _namespace_created(records: _Records, effect: Request) -> Cause | None:
    return _latest(_creations(records, effect, Thing("namespaces", "", effect.thing.namespace)))


def _pod_created(records: _Records, effect: Request) -> Cause | None:
    """The scheduler binds a pod that was made."""
    return _latest(_creations(records, effect, effect.thing))


def _creations(records: _Records, effect: Request, thing: Thing) -> list[Cause]:
    return [
        (request, False)
        for request in records.earlier(effect, thing.resource)
        if request.verb == "create" and not request.subresource and _same(request.thing, thing)
    ]


def _owner_changed(records: _Records, effect: Request) -> Cause | None:
    """A workload's controller does what its object says, and replaces pods that others have deleted."""
    makes = effect.verb == "create"
    verbs = _CHANGES if makes or effect.controller != "replicaset-controller" else frozenset({"update", "patch"})
    found: list[Cause | None] = []
    for owner in records.owners(effect):
        template = makes and effect.thing.resource == "replicasets"
        found.append(records.change(effect, owner, template=template, verbs=verbs))
        if makes and effect.thing.resource == "pods" and effect.controller in _MAKERS_OF_PODS:
            found.append(records.loss(effect, owner))
    return _latest(found)


def _node_deleted(records: _Records, effect: Request) -> Cause | None:
    """The pod garbage collector deletes pods of nodes that are gone."""
    return records.deletion(effect, Thing("nodes", "", effect.node)) if effect.node else None


def _node_tainted(records: _Records, effect: Request) -> Cause | None:
    """Pods leave a node with a taint of effect NoExecute."""
    found: list[Cause] = [
        (request, False)
        for request in records.earlier(effect, "nodes")
        if request.thing.name == effect.node
        and request.verb in _CHANGES
        and "NoExecute" in str(_object(request.body).get("spec", request.body))
    ]
    return _latest(found) if effect.node else None


_RULES: dict[str, Rule] = {
    "generic-garbage-collector": _owner_deleted,
    "namespace-controller": _namespace_deleted,
    "pod-garbage-collector": _node_deleted,
    **dict.fromkeys(_TAINT_EVICTION, _node_tainted),
    **dict.fromkeys(_IN_NEW_NAMESPACES, _namespace_created),
    **dict.fromkeys(_OWNER_OF_CONTROLLER, _owner_changed),
}


def _rule(effect: Request) -> Rule | None:
    """How to look for the cause of a request; None of one that a program makes of its own accord."""
    if _is_kubelets(effect):
        return _deleted
    if effect.subresource == "binding":
        return _pod_created
    if effect.controller in _RULES:
        return _RULES[effect.controller]
    # An operator that makes parts of what someone asked it for.
    return _owner_changed if effect.kind == "service_account" and effect.verb == "create" and effect.owners else None


def without_confirmations(
    rows: Sequence[Source], found: Sequence[Chain | None]
) -> tuple[list[tuple[Source, Chain | None]], int]:
    """The rows and their chains without kubelets' confirmations of deletions that are rows too; how many those were.

    A row that deletes a collection has the names of the pods that were confirmed.
    """
    keys = {request.key for row in rows if (request := request_of(row))}
    confirmed: dict[tuple[str, str], list[str]] = {}
    kept: list[tuple[Source, Chain | None]] = []
    for row, chain in zip(rows, found, strict=True):
        if chain and chain.confirms in keys:
            confirmed.setdefault(chain.confirms, []).append(chain.links[-1].thing.name)
        else:
            kept.append((row, chain))
    return [(row, _with_names(row, chain, confirmed)) for row, chain in kept], len(rows) - len(kept)


def _with_names(row: Source, chain: Chain | None, confirmed: Mapping[tuple[str, str], list[str]]) -> Chain | None:
    request = request_of(row)
    if request is None or request.thing.name or request.key not in confirmed:
        return chain
    told = chain or Chain((request,), found=True, by_name=False)
    return replace(told, confirmed=tuple(sorted(confirmed[request.key])))


def told(chain: Chain) -> str:
    """A chain as a sentence of one line; empty where it says no more than the row itself."""
    *causes, effect = chain.links
    if not causes and chain.found and not chain.confirmed:
        return ""
    parts = []
    for position, link in enumerate(causes):
        if position == 0:
            parts.append(f"{_actor(link, first=chain.found)} {_did(link)} {_when(link, effect)}")
        elif (_actor(link), link.verb) != (_actor(chain.links[position + 1]), chain.links[position + 1].verb):
            parts.append(f"{_actor(link)} {_did(link)}")
    if causes:
        parts.append(_actor(effect))
    else:
        parts.append(f"{_actor(effect, first=True)} {_did(effect)} {_when(effect, effect)}")
    if causes and not _same(causes[-1].thing, effect.thing):
        parts.append(_named(effect))
    if chain.confirmed:
        parts.append(f"pods {', '.join(chain.confirmed)}")
    sentence = " → ".join(part.replace("→", "\N{REPLACEMENT CHARACTER}") for part in parts)
    notes = [*(["by name"] if chain.by_name else []), *([] if chain.found else ["cause not among the records"])]
    return sentence + "".join(f" ({note})" for note in notes)


def _actor(link: Request, *, first: bool = False) -> str:
    if link.kind == "node":
        return "kubelet"
    if link.controller and not first:
        return link.controller.removeprefix("generic-").replace("-", " ")
    return link.who or "nobody known"


def _when(link: Request, effect: Request) -> str:
    time = link.time.astimezone(UTC)
    same_day = time.date() == effect.time.astimezone(UTC).date()
    return f"{time:%H:%M:%S}" if same_day else f"{time:%Y-%m-%d %H:%M:%S}"


def action(link: Request) -> str:
    """What a request did, in a word."""
    if link.subresource == "eviction":
        return "evicted"
    if link.subresource == "binding":
        return "bound"
    if link.scales:
        return "scaled"
    return {"create": "created", "update": "updated", "patch": "patched"}.get(link.verb, "deleted")


def _did(link: Request) -> str:
    return f"{action(link)} {_named(link)}{_detail(link)}"


def _named(link: Request) -> str:
    thing = link.thing
    # Other subresources are part of what was done; these are what was done.
    part = link.subresource if link.subresource not in {"", "eviction", "scale", "binding"} else ""
    resource = f"{thing.resource}/{part}" if part else thing.resource
    if not thing.name:
        return f"{resource} of {thing.namespace}" if thing.namespace else f"all {resource}"
    resource = {"pods": "pod", "namespaces": "namespace"}.get(resource, resource)
    return f"{resource} {thing.namespace}/{thing.name}" if thing.namespace else f"{resource} {thing.name}"


def _detail(link: Request) -> str:
    if link.verb != "patch" or link.scales:
        return ""
    body = str(link.body)
    if "kubectl.kubernetes.io/restartedAt" in body or "kubectl.kubernetes.io~1restartedAt" in body:
        return " (rollout restart)"
    template = _object(_object(_object(link.body).get("spec")).get("template"))
    is_image = "'image'" in str(template) if template else isinstance(link.body, list) and "/image'" in body
    return " (set image)" if is_image else ""


def as_data(chain: Chain) -> dict[str, Any]:
    """A chain for programs; times are those at which the API server received the requests."""
    return {
        "links": [_link(link) for link in chain.links],
        "cause_found": chain.found,
        "by_name": chain.by_name,
        **({"confirmed_pods": list(chain.confirmed)} if chain.confirmed else {}),
    }


def _link(link: Request) -> dict[str, str]:
    members = {
        "who": link.who,
        "username": link.username,
        "session_name": link.session_name,
        "iam_arn": link.iam_arn,
        "kind": link.kind,
        "verb": link.verb,
        "action": action(link),
        "resource": link.thing.resource,
        "subresource": link.subresource,
        "namespace": link.thing.namespace,
        "name": link.thing.name,
        "time": link.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "auditID": link.audit_id,
    }
    return {name: value for name, value in members.items() if value or name in {"who", "time", "auditID"}}
