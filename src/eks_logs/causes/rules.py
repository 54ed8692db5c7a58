"""How each controller's requests lead back to what it acts on.

Sources: Kubernetes, "Garbage Collection", "API-initiated Eviction", "Taints and Tolerations"; its controllers
(pkg/controller: podgc, tainteviction, rootcacertpublisher, serviceaccount).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from eks_logs.causes.history import Cause, History, same
from eks_logs.causes.records import (
    CHANGES,
    OWNER_OF_CONTROLLER,
    Identity,
    Request,
    Source,
    Thing,
    is_confirmation,
    is_effect,
    mapping_of,
    one_of_each_request,
    request_of,
)

_ENDS_BY_ITSELF = frozenset({"cronjob-controller"})

_MAKERS_OF_PODS = frozenset({*OWNER_OF_CONTROLLER} - {"deployment-controller", "cronjob-controller"})

_TAINT_EVICTION = frozenset({"taint-eviction-controller", "node-controller"})

_IN_NEW_NAMESPACES = frozenset({"root-ca-cert-publisher", "service-account-controller"})


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
    def confirms(self) -> Identity | None:
        """The key of the real deletion, if the last request is the kubelet's, which confirms it."""
        return self.links[-2].key if len(self.links) > 1 and is_confirmation(self.links[-1]) else None


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
    history = History([*known, *(request for request in asked if request)])
    traced: dict[Identity, Chain] = {}
    return tuple(_chain(history, request, traced) if request and is_effect(request) else None for request in asked)


def unexplained(found: Iterable[Chain | None], candidates: Iterable[Source]) -> list[Request]:
    """The requests at which chains begin though something led to them, with the owner and node that records tell."""
    known = [request for source in one_of_each_request(candidates) if (request := request_of(source))]
    firsts = {chain.links[0].key: chain.links[0] for chain in found if chain and is_caused(chain.links[0])}
    history = History([*known, *firsts.values()])
    return [replace(request, owners=history.owners(request), node=history.node(request)) for request in firsts.values()]


def _chain(history: History, effect: Request, traced: dict[Identity, Chain]) -> Chain:
    """What led to it; a cause is earlier than its effect, so this ends."""
    if effect.key in traced:
        return traced[effect.key]
    rule = _rule(effect)
    cause = rule(history, effect) if rule else None
    if cause is None:
        ends = rule is None or effect.controller in _ENDS_BY_ITSELF or effect.controller not in _RULES
        found = Chain((effect,), found=ends and not is_confirmation(effect), by_name=False)
    else:
        request, by_name = cause
        first = Chain((request,), found=True, by_name=False)
        before = _chain(history, request, traced) if is_effect(request) else first
        found = Chain((*before.links, effect), found=before.found, by_name=by_name or before.by_name)
    traced[effect.key] = found
    return found


def is_caused(request: Request) -> bool:
    """Whether something led to it that can be looked for."""
    return is_effect(request) and _rule(request) is not None


def _latest(causes: Iterable[Cause | None]) -> Cause | None:
    return max((cause for cause in causes if cause), key=lambda cause: cause[0].time, default=None)


Rule: TypeAlias = Callable[[History, Request], Cause | None]


def _deleted(history: History, effect: Request) -> Cause | None:
    """The kubelet confirms a deletion when the containers have ended."""
    return history.deletion(effect, effect.thing, effect.created)


def _owner_deleted(history: History, effect: Request) -> Cause | None:
    """The garbage collector deletes what has lost its owner."""
    places = [
        place for owner in history.owners(effect) for place in (owner, replace(owner, namespace="")) if owner.name
    ]
    return _latest(history.deletion(effect, place) for place in places)


def _namespace_deleted(history: History, effect: Request) -> Cause | None:
    namespace = effect.thing.name if effect.thing.resource == "namespaces" else effect.thing.namespace
    return history.deletion(effect, Thing("namespaces", "", namespace))


def _namespace_created(history: History, effect: Request) -> Cause | None:
    """What every namespace has is made in a new one, and again where somebody has deleted it."""
    created = _creations(history, effect, Thing("namespaces", "", effect.thing.namespace))
    return _latest([*created, history.deletion(effect, effect.thing)])


def _pod_created(history: History, effect: Request) -> Cause | None:
    """The scheduler binds a pod that was made."""
    return _latest(_creations(history, effect, effect.thing))


def _creations(history: History, effect: Request, thing: Thing) -> list[Cause]:
    return [
        (request, False)
        for request in history.earlier(effect, thing.resource)
        if request.verb == "create" and not request.subresource and same(request.thing, thing)
    ]


def _owner_changed(history: History, effect: Request) -> Cause | None:
    """A workload's controller does what its object says, and replaces pods that others have deleted."""
    makes = effect.verb == "create"
    verbs = CHANGES if makes or effect.controller != "replicaset-controller" else frozenset({"update", "patch"})
    found: list[Cause | None] = []
    for owner in history.owners(effect):
        template = makes and effect.thing.resource == "replicasets"
        found.append(history.change(effect, owner, template=template, verbs=verbs))
        if makes and effect.thing.resource == "pods" and effect.controller in _MAKERS_OF_PODS:
            found.append(history.loss(effect, owner))
    if makes and effect.controller == "daemon-set-controller" and effect.node:
        found.extend(_creations(history, effect, Thing("nodes", "", effect.node)))
    return _latest(found)


def _pod_left_over(history: History, effect: Request) -> Cause | None:
    """The pod garbage collector ends deletions that no kubelet confirms, and deletes pods of nodes that are gone."""
    node = history.node(effect)
    deleted = history.deletion(effect, effect.thing)
    return deleted or (history.deletion(effect, Thing("nodes", "", node)) if node else None)


def _node_tainted(history: History, effect: Request) -> Cause | None:
    """Pods leave a node with a taint of effect NoExecute."""
    node = history.node(effect)
    return _latest(
        (request, False)
        for request in history.earlier(effect, "nodes")
        if request.thing.name == node
        and request.verb in CHANGES
        and not request.subresource
        and "NoExecute" in str(request.body if isinstance(request.body, list) else mapping_of(request.body).get("spec"))
    )


_RULES: dict[str, Rule] = {
    "generic-garbage-collector": _owner_deleted,
    "namespace-controller": _namespace_deleted,
    "pod-garbage-collector": _pod_left_over,
    **dict.fromkeys(_TAINT_EVICTION, _node_tainted),
    **dict.fromkeys(_IN_NEW_NAMESPACES, _namespace_created),
    **dict.fromkeys(OWNER_OF_CONTROLLER, _owner_changed),
}


def _rule(effect: Request) -> Rule | None:
    """How to look for the cause of a request; None of one that a program makes of its own accord."""
    if is_confirmation(effect):
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
    confirmed: dict[Identity, list[str]] = {}
    kept: list[tuple[Source, Chain | None]] = []
    for row, chain in zip(rows, found, strict=True):
        if chain and chain.confirms in keys:
            confirmed.setdefault(chain.confirms, []).append(chain.links[-1].thing.name)
        else:
            kept.append((row, chain))
    return [(row, _with_names(row, chain, confirmed)) for row, chain in kept], len(rows) - len(kept)


def _with_names(row: Source, chain: Chain | None, confirmed: Mapping[Identity, list[str]]) -> Chain | None:
    request = request_of(row)
    if request is None or request.thing.name or request.key not in confirmed:
        return chain
    told = chain or Chain((request,), found=True, by_name=False)
    return replace(told, confirmed=tuple(sorted(confirmed[request.key])))
