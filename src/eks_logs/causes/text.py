"""Chains as a sentence for people and as data for programs."""

from datetime import UTC
from typing import Any

from eks_logs.causes.history import same
from eks_logs.causes.records import Request, mapping_of
from eks_logs.causes.rules import Chain


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
    if causes and not same(causes[-1].thing, effect.thing):
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
    template = mapping_of(mapping_of(mapping_of(link.body).get("spec")).get("template"))
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
