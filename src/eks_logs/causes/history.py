"""The requests among which causes are, and how names tell owners.

Sources: Kubernetes, "Deployments" (template hash), "StatefulSets", "Jobs" (names); k8s.io/apimachinery, pkg/util/rand
(the letters of generated names).
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from eks_logs.causes.records import CHANGES, OWNER_OF_CONTROLLER, Identity, Request, Thing, is_confirmation, query_of

Cause: TypeAlias = tuple[Request, bool]
"""A request, and whether it was found by a derived name alone."""

_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"

_POD_SUFFIX = re.compile(rf"(?P<owner>.+)-{_RANDOM}{{5}}")

_INDEXED = re.compile(rf"(?P<owner>.+)-\d+-{_RANDOM}{{5}}")

_ORDINAL = re.compile(r"(?P<owner>.+)-\d+")

_HASH = re.compile(rf"(?P<owner>.+)-{_RANDOM}{{1,10}}")

_AT_ONCE = timedelta(minutes=10)

# Kubernetes, "Labels and Selectors": requirements with commas between them, which stand within parentheses too.
_COMMA = re.compile(r",(?![^()]*\))")
_REQUIREMENT = re.compile(r"\s*(!)?\s*([\w./-]+)\s*(?:(==?|!=)\s*([\w.-]*)\s*|\s(in|notin)\s*\(([^()]*)\)\s*)?")

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


def owners_by_name(thing: Thing) -> tuple[Thing, ...]:
    """The owners that an object may have by its name."""
    return tuple(
        Thing(resource, thing.namespace, match["owner"], by_name=True)
        for resource, pattern in _DERIVED.get(thing.resource, ())
        if (match := pattern.fullmatch(thing.name))
    )


class History:
    """The requests that may be causes, by cluster and resource, in the order of their time."""

    def __init__(self, requests: Iterable[Request]) -> None:
        self._by_resource: dict[tuple[Identity, str], list[Request]] = {}
        self._owners: dict[tuple[Identity, Thing], tuple[Thing, ...]] = {}
        unique = {request.key: request for request in requests}.values()
        for request in sorted(unique, key=lambda request: request.time):
            if request.effective:
                self._by_resource.setdefault((request.origin, request.thing.resource), []).append(request)
            if request.owners and not request.subresource:
                for thing in {request.thing, replace(request.thing, uid="")}:
                    self._owners[request.origin, thing] = request.owners

    def earlier(self, effect: Request, resource: str) -> list[Request]:
        """What may have caused it and is about that resource, in the order of time."""
        found = self._by_resource.get((effect.origin, resource), [])
        return found[: bisect_left(found, effect.time, key=lambda request: request.time)]

    def owners(self, request: Request) -> tuple[Thing, ...]:
        """The owners of what a request is about: as its bodies or another record say, else as the name lets guess."""
        thing = request.thing
        known = request.owners or next(
            (
                owners
                for key in (thing, replace(thing, uid=""))
                if (owners := self._owners.get((request.origin, key))) and (key.uid or not thing.uid)
            ),
            (),
        )
        if known:
            return known
        only = OWNER_OF_CONTROLLER.get(request.controller)
        return tuple(owner for owner in owners_by_name(thing) if only in (None, owner.resource))

    def deletion(self, effect: Request, thing: Thing, created: datetime | None = None) -> Cause | None:
        """The request that began to delete an object: the first since it was made, for later ones change nothing."""
        made, first = created, None
        for request in self.earlier(effect, thing.resource):
            if request.key == effect.key or is_confirmation(request):
                continue
            is_it = same(request.thing, thing) and thing.may_be(request.thing.uid)
            if is_it and request.verb == "create" and not request.subresource and created is None:
                made, first = request.time, None
            if made is not None and request.time < made:
                continue
            if first is None and ((is_it and request.is_deletion) or deletes_among(request, thing, effect)):
                first = request
        return (first, thing.by_name) if first else None

    def change(self, effect: Request, owner: Thing, *, template: bool, verbs: frozenset[str]) -> Cause | None:
        """The last change of an owner's `spec`; of its pod template, if only that has such effects."""
        last: Request | None = None
        generations: set[int] = set()
        for request in self.earlier(effect, owner.resource):
            if not same(request.thing, owner) or not owner.may_be(request.thing.uid) or request.verb not in CHANGES:
                continue
            seen = request.generation is not None and request.generation in generations
            if request.generation is not None:
                generations.add(request.generation)
            if seen or request.subresource not in {"", "scale"} or request.username == effect.username:
                continue
            if request.spec_members == frozenset() or (template and request.scales) or request.verb not in verbs:
                continue
            last = request if _in_time(request, effect) else None
        return (last, owner.by_name) if last else None

    def node(self, effect: Request) -> str:
        """The node of a pod: as its record says, or an earlier one, such as the scheduler's binding."""
        known = (
            request.node
            for request in reversed(self.earlier(effect, "pods"))
            if request.node and same(request.thing, effect.thing)
        )
        return effect.node or next(known, "")

    def loss(self, effect: Request, owner: Thing) -> Cause | None:
        """The last deletion of another pod of that owner, which a controller makes good."""
        for request in reversed(self.earlier(effect, effect.thing.resource)):
            if not _in_time(request, effect):
                break
            if is_confirmation(request) or request.controller in {effect.controller, "namespace-controller"}:
                continue
            if request.is_deletion and request.thing.namespace == owner.namespace:
                owners = self.owners(request)
                for known in owners:
                    if same(known, owner) and known.may_be(owner.uid):
                        return request, known.by_name or owner.by_name
            elif deletes_among(request, effect.thing, effect):
                return request, owner.by_name
        return None


def same(one: Thing, other: Thing) -> bool:
    """Whether two are one object by their names; the first without a namespace fits any."""
    return (one.name, one.resource) == (other.name, other.resource) and (
        one.namespace == other.namespace or not one.namespace
    )


def _in_time(request: Request, effect: Request) -> bool:
    """Whether a controller would have acted by then.

    A ReplicaSet has its pods at once. What its controller makes later makes good what no request tells, such as a pod
    that a node has ended.
    """
    is_prompt = effect.controller in {"replicaset-controller", "replication-controller"}
    return not is_prompt or effect.time - request.time <= _AT_ONCE


def deletes_among(request: Request, thing: Thing, effect: Request) -> bool:
    """Whether it deletes a collection that has the object, as far as its selectors can be told to choose it.

    Of an owner nothing but the name is known; of what the effect is about also labels and node.
    """
    if request.verb != "deletecollection" or request.subresource or request.thing.name:
        return False
    if request.thing.namespace not in ("", thing.namespace):
        return False
    is_it = effect.thing.resource == thing.resource
    fields = {"metadata.name": thing.name, "metadata.namespace": thing.namespace}
    if is_it and effect.node:
        fields["spec.nodeName"] = effect.node
    query = query_of(request.uri)
    labels = effect.labels if is_it else None
    return _chosen(query.get("fieldSelector", []), fields, may_lack=False) and _chosen(
        query.get("labelSelector", []), labels, may_lack=True
    )


def _chosen(selectors: Iterable[str], known: Mapping[str, str] | None, *, may_lack: bool) -> bool:
    """Whether values fulfil every requirement; where they are not known, no more than that there is none.

    Args:
        selectors: As in an address, each of requirements with commas between them.
        known: Values by name; None where they are not known.
        may_lack: Whether a name that is not among them has no value; else its value is not known.
    """
    parts = [part for selector in selectors for part in _COMMA.split(selector) if part.strip()]
    return not parts or (known is not None and all(_holds(part, known, may_lack=may_lack) for part in parts))


def _holds(part: str, known: Mapping[str, str], *, may_lack: bool) -> bool:
    """Whether values fulfil a requirement: `name`, `!name`, `name=value`, `name!=value`, `name [not]in (…)`.

    What has no such label is among those that do not have a value.
    """
    requirement = _REQUIREMENT.fullmatch(part)
    if requirement is None:
        return False
    absent, name, equal, one, among, several = requirement.groups()
    if name not in known and not may_lack:
        return False
    if absent or not (equal or among):
        return (name in known) is not bool(absent)
    values = [one] if equal else [value.strip() for value in several.split(",")]
    return (known.get(name) in values) is not (equal == "!=" or among == "notin")
