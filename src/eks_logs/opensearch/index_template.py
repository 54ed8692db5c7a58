"""The index template: how records are mapped, and what of an index's settings is ours to say."""

from collections.abc import Iterable, Iterator
from typing import Any

from eks_logs.findings import Finding, fail
from eks_logs.opensearch import json_file
from eks_logs.opensearch.client import Client
from eks_logs.opensearch.conflicts import patterns_of, template_conflicts
from eks_logs.opensearch.resource import Current, Resource, State, canonical
from eks_logs.opensearch.server import Server
from eks_logs.opensearch.target import Target
from eks_logs.plan import Json

TEMPLATE = "eks-control-plane-logs"
TEMPLATE_PATH = f"/_index_template/{TEMPLATE}"

# Who asks for these asks for a twin in `actor.*`, or seldom. Their doc values still find them, only slower.
_SELDOM_SEARCHED = (
    *("user.uid", "user.groups", "user.extra.principalId", "user.extra.arn", "user.extra.canonicalArn"),
    *("user.extra.sessionName", "user.extra.accessKeyId", "objectRef.uid", "objectRef.resourceVersion"),
)

# What OpenSearch Serverless sees to itself, or knows other values of. Shards and replicas have no effect there
# (opensearch-project/opensearch-go #374); of codecs it has default, zstd and zstd_no_dict (AWS, "Zstandard Codec
# Support in Amazon OpenSearch Serverless"); when new documents can be searched depends on the type of collection.
_NOT_ON_SERVERLESS = ("number_of_shards", "number_of_replicas", "refresh_interval", "codec")

# Settings that the mapping depends on. All others are the operator's, once the template is there.
_OURS = ("analysis", "query", "mapping")
# OpenSearch's own, where a template says nothing.
_DEFAULT_REPLICAS = 1


class IndexTemplate(Resource):
    """One template for all stacks of a domain."""

    kind = "index template"
    link = "template"
    on_serverless = True

    def name(self, target: Target) -> str:
        """Its name."""
        return TEMPLATE

    def path(self, target: Target) -> str:
        """Where it is."""
        return TEMPLATE_PATH

    def read(self, client: Client, target: Target) -> Current:
        """What the server holds, and all templates of others."""
        listed = client.api.indices.get_index_template().get("index_templates", [])
        templates = {one["name"]: one["index_template"] for one in listed}
        return Current(templates.pop(TEMPLATE, None), others=templates)

    def desired(self, target: Target, current: Current) -> Json:
        """Our mapping, with the settings and the priority that the operator chose, now or before."""
        desired, there = mapped_template(target.server), current.body or {}
        own = (there.get("template") or {}).get("settings", {}).get("index") or {}
        settings = desired["template"]["settings"]["index"]
        limit = int((own.get("mapping") or {}).get("total_fields", {}).get("limit") or 0)
        settings["mapping"] = {
            **(own.get("mapping") or {}),
            **settings["mapping"],
            "total_fields": {"limit": max(limit, settings["mapping"]["total_fields"]["limit"])},
        }
        settings |= {name: value for name, value in own.items() if name not in _OURS}
        settings |= {name: value for name, value in _chosen(target) if value is not None and not target.is_serverless}
        if aliases := (there.get("template") or {}).get("aliases"):
            desired["template"]["aliases"] = aliases
        desired |= {name: there[name] for name in ("composed_of", "version") if there.get(name)}
        desired["index_patterns"] = [target.pattern]
        desired["priority"] = target.priority or int(there.get("priority") or 0) or desired["priority"]
        return desired

    def comparable(self, body: Json) -> Any:
        """Everything of it."""
        return canonical(body)

    def is_ours(self, target: Target, current: Current) -> bool:
        """Known by what it says of its maker."""
        return bool((current.body or {}).get("_meta") == json_file("index_template.json")["_meta"])

    def chosen(self, target: Target, current: Current) -> Iterable[str]:
        """Other indices, shards, copies or another priority than there are."""
        there = current.body
        if there is None:
            return
        patterns = patterns_of(there)
        if target.pattern not in patterns:
            yield f"--index {target.index} (it is for {', '.join(patterns)} now)"
        if target.priority is not None and target.priority != int(there.get("priority") or 0):
            yield f"--template-priority {target.priority} ({there.get('priority') or 0} now)"
        own = (there.get("template") or {}).get("settings", {}).get("index") or {}
        for name, value in _chosen(target):
            now = own.get(name, 1)  # both are 1 where nothing is said
            if value is not None and str(value) != str(now) and not target.is_serverless:
                yield f"--{name.removeprefix('number_of_')} {value} ({now} now)"

    def findings(self, target: Target, current: Current, state: State) -> Iterator[Finding]:
        """Templates of others that keep ours out, and a domain that wants more copies."""
        desired = self.desired(target, current)
        yield from template_conflicts(current.others, target, desired["priority"])
        if isinstance(state.settings, dict):
            yield from _copies(desired, state.settings)

    def notes(self, target: Target, state: State, step: object) -> Iterable[str]:
        """Options without effect."""
        if target.is_serverless and any(value is not None for _, value in _chosen(target)):
            yield "--shards and --replicas have no effect: OpenSearch Serverless sees to that itself"


def mapped_template(server: Server | None) -> dict[str, Any]:
    """The template as it suits a server; as the JSON has it, it suits every one with a security API."""
    template = json_file("index_template.json")
    if server and server.is_serverless:
        settings = template["template"]["settings"]["index"]
        template["template"]["settings"]["index"] = {
            name: value for name, value in settings.items() if name not in _NOT_ON_SERVERLESS
        }
    if server and server.finds_by_doc_values:
        properties = template["template"]["mappings"]["properties"]
        _index_once(properties)
        for path in _SELDOM_SEARCHED:
            _leave_to_doc_values(properties, path)
    return template


def _chosen(target: Target) -> tuple[tuple[str, int | None], ...]:
    return (("number_of_shards", target.shards), ("number_of_replicas", target.replicas))


def _copies(desired: Json, settings: Json) -> Iterator[Finding]:
    """A domain with Standby keeps a copy in each zone, and refuses a template whose copies are no multiple of these.

    OpenSearch, AwarenessReplicaBalance: with `awareness.balance`, the most values that an attribute is forced to have.
    """
    prefix = "cluster.routing.allocation.awareness."
    if str(settings.get(f"{prefix}balance")).lower() != "true":
        return
    zones = max(
        (
            len(_listed(value))
            for name, value in settings.items()
            if name.startswith(f"{prefix}force.") and name.endswith(".values")
        ),
        default=0,
    )
    own = desired["template"]["settings"]["index"]
    copies = 1 + int(own.get("number_of_replicas", _DEFAULT_REPLICAS))
    if zones and copies % zones and "auto_expand_replicas" not in own:
        yield fail(
            "template",
            f"this domain keeps each index in {zones} zones (Multi-AZ with Standby) and takes only indices whose "
            f"copies are a multiple of {zones}: a primary and {copies - 1} replica(s) are {copies}",
            f"add --replicas {zones - 1}",
        )


def _listed(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [one for one in str(value).split(",") if one]


def _index_once(properties: dict[str, Any]) -> None:
    """Take the inverted index from the subfields `.keyword` of keywords: the field above has the same one.

    They are there for visualizations that were made on a mapping of OpenSearch's own making, and go on working; without
    it an index of audit events is a tenth smaller (bench/index_cost.py).
    """
    for field in properties.values():
        _index_once(field.get("properties", {}))
        if field.get("type") == "keyword" and "keyword" in field.get("fields", {}):
            field["fields"]["keyword"]["index"] = False


def _leave_to_doc_values(properties: dict[str, Any], path: str) -> None:
    """Take the inverted index from a keyword itself; from all of _SELDOM_SEARCHED that is a twentieth of the size."""
    *parents, name = path.split(".")
    for parent in parents:
        properties = properties[parent]["properties"]
    properties[name]["index"] = False
