"""What would be changed in OpenSearch: pure, from what is there."""

import copy
from typing import Any

import pytest

from eks_logs.errors import NotUsable, ReservedResource, SetupError
from eks_logs.findings import Status
from eks_logs.opensearch import json_file
from eks_logs.opensearch.index_template import IndexTemplate, mapped_template
from eks_logs.opensearch.indices import ExistingIndex
from eks_logs.opensearch.ism_policy import IsmPolicy
from eks_logs.opensearch.records import IndexRecords
from eks_logs.opensearch.registry import RESOURCES, plan, plan_removal
from eks_logs.opensearch.resource import Current, State
from eks_logs.opensearch.role import Role
from eks_logs.opensearch.role_mapping import MAPPING_PATH, RoleMapping
from eks_logs.opensearch.server import Kind, Server
from eks_logs.opensearch.target import Target
from eks_logs.plan import Plan, Step

ROLE_ARN = "arn:aws:iam::111122223333:role/forwarder"
THEIR_ROLE = "arn:aws:iam::111122223333:role/theirs"
INDEX = "eks-control-plane-logs"
TARGET = Target(INDEX, ROLE_ARN)
NOTHING = Current()
ROLE = {
    **Role().desired(TARGET, NOTHING),
    "reserved": False,
    "hidden": False,
    "static": False,
    "tenant_permissions": [],
    "index_permissions": [
        {**rights, "dls": None, "fls": [], "masked_fields": []}
        for rights in Role().desired(TARGET, NOTHING)["index_permissions"]
    ],
}
MAPPING: dict[str, Any] = {
    "backend_roles": [ROLE_ARN],
    "hosts": [],
    "users": [],
    "and_backend_roles": [],
    "reserved": False,
}
SHARED = MAPPING | {"backend_roles": [THEIR_ROLE, ROLE_ARN]}
TEMPLATE = mapped_template(None)


def policy(days: int, rotation: str = "daily") -> dict[str, Any]:
    desired = IsmPolicy().desired(Target(INDEX, ROLE_ARN, rotation=rotation, retention_days=days), NOTHING)
    assert desired is not None
    return dict(desired)


def state(
    role: dict[str, Any] | None = ROLE,
    mapping: dict[str, Any] | None = MAPPING,
    template: dict[str, Any] | None = TEMPLATE,
    ism: dict[str, Any] | None = None,
    *,
    settings: dict[str, Any] | None = None,
    clusters: tuple[str, ...] | None = None,
) -> State:
    bodies = (role, mapping, template)
    current: dict[str, Current | SetupError] = {
        one.kind: Current(body) for one, body in zip(RESOURCES[:3], bodies, strict=True)
    }
    current[IsmPolicy.kind] = Current(ism, seq_no=7, primary_term=2)
    others = [*(mapping or {}).get("backend_roles", []), *(mapping or {}).get("users", [])]
    mapped = tuple(one for one in others if one != ROLE_ARN)
    return State(current, mapped=mapped, settings=settings or {}, clusters=clusters)


def titles(found: State, target: Target = TARGET) -> list[str]:
    return [step.title for step in plan(found, target).steps]


def only(found: State, target: Target = TARGET) -> Step:
    (step,) = plan(found, target).steps
    return step


def stopped(found: State, **chosen: Any) -> str:
    """What is said of what stops the plan."""
    (finding,) = plan(found, Target(**{"index": INDEX, "iam_role_arn": ROLE_ARN, **chosen})).findings
    assert finding.status is Status.FAIL
    return f"{finding.message}; {finding.remediation}"


@pytest.mark.parametrize(
    ("version", "indexed"), [("1.3.20", True), ("2.9.0", True), ("2.18.0", True), ("2.19.4", False), ("3.5.0", False)]
)
def test_where_doc_values_answer_every_query_a_keyword_is_indexed_once(version: str, *, indexed: bool) -> None:
    properties = mapped_template(Server(Kind.OPENSEARCH, version))["template"]["mappings"]["properties"]
    assert properties["user"]["properties"]["groups"].get("index", True) is indexed
    assert {properties[name]["fields"]["keyword"].get("index", True) for name in ("verb", "auditID", "@id")} == {
        indexed
    }


def test_nothing_there_creates_everything_in_order() -> None:
    assert titles(state(None, None, None)) == [
        "create role eks-control-plane-logs-writer",
        "create rolesmapping eks-control-plane-logs-writer",
        "create index template eks-control-plane-logs",
    ]


def test_everything_there_changes_nothing() -> None:
    assert titles(state()) == []
    assert plan(state(mapping=SHARED), TARGET) == Plan(())


def test_to_the_mapping_of_others_one_entry_is_added_and_nothing_of_theirs_is_sent() -> None:
    theirs = {"backend_roles": ["theirs"], "hosts": ["host"], "users": ["user"], "and_backend_roles": ["both"]}
    step = only(state(mapping=theirs))
    assert (step.method, step.path) == ("PATCH", MAPPING_PATH)
    assert step.body == [{"op": "add", "path": "/backend_roles/-", "value": ROLE_ARN}]
    assert f'+    "{ROLE_ARN}"' in "\n".join(step.diff)
    users = only(state(mapping={"users": ["ada"]}))
    assert users.body == [{"op": "add", "path": "/backend_roles", "value": [ROLE_ARN]}]


def test_rights_that_grew_are_taken_back() -> None:
    wide: dict[str, Any] = copy.deepcopy(ROLE)
    wide["index_permissions"][0]["allowed_actions"].append("indices:admin/delete")
    step = only(state(wide, SHARED))
    assert step.title == "change role eks-control-plane-logs-writer"
    assert step.body == Role().desired(TARGET, NOTHING)
    assert any(line.startswith("-") and "indices:admin/delete" in line for line in step.diff)


def template(**settings: Any) -> dict[str, Any]:
    made = copy.deepcopy(TEMPLATE)
    made["template"]["settings"]["index"] |= settings
    return made


def test_settings_that_come_back_as_text_are_equal() -> None:
    made = template(number_of_shards="1")
    made["template"]["mappings"]["dynamic"] = "false"
    made["composed_of"] = []
    assert titles(state(template=made)) == []


def test_a_changed_mapping_is_put_right() -> None:
    made = template()
    made["template"]["mappings"]["dynamic"] = True
    assert titles(state(template=made)) == ["change index template eks-control-plane-logs"]


OWN = {
    "number_of_shards": "3",
    "number_of_replicas": "2",
    "refresh_interval": "5s",
    "codec": "zstd_no_dict",
    "routing": {"allocation": {"require": {"temp": "hot"}}},
    "mapping": {"total_fields": {"limit": "2000"}, "depth": {"limit": "30"}},
}


def test_what_the_operator_set_is_kept_and_not_put_back() -> None:
    made = template(**OWN) | {"priority": 700, "version": 4, "composed_of": ["theirs"]}
    made["template"]["aliases"] = {"logs": {}}
    assert titles(state(template=made)) == []
    made["template"]["mappings"]["dynamic"] = True
    body = only(state(template=made)).body
    settings = body["template"]["settings"]["index"]
    assert {name: settings[name] for name in OWN} == OWN | {
        "mapping": {"total_fields": {"limit": 2000}, "depth": {"limit": "30"}}
    }
    assert (body["priority"], body["template"]["aliases"], body["composed_of"]) == (700, {"logs": {}}, ["theirs"])


def test_what_the_mapping_depends_on_is_put_right_all_the_same() -> None:
    made = template(analysis={}, query={"default_field": ["verb"]}, mapping={"total_fields": {"limit": "10"}})
    settings = only(state(template=made)).body["template"]["settings"]["index"]
    ours = TEMPLATE["template"]["settings"]["index"]
    assert {name: settings[name] for name in ("analysis", "query", "mapping")} == {
        name: ours[name] for name in ("analysis", "query", "mapping")
    }


def test_shards_copies_and_priority_are_as_chosen_now() -> None:
    target = Target(INDEX, ROLE_ARN, shards=2, replicas=0, priority=600)
    body = only(state(template=template(**OWN)), target).body
    settings = body["template"]["settings"]["index"]
    assert (settings["number_of_shards"], settings["number_of_replicas"], body["priority"]) == (2, 0, 600)
    assert settings["refresh_interval"] == "5s"


ZONES = {
    "cluster.routing.allocation.awareness.balance": "true",
    "cluster.routing.allocation.awareness.attributes": "zone",
    "cluster.routing.allocation.awareness.force.zone.values": "a,b,c",
}


def test_a_domain_in_three_zones_wants_copies_in_threes() -> None:
    words = stopped(state(settings=ZONES))
    assert "3 zones (Multi-AZ with Standby)" in words
    assert "--replicas 2" in words
    assert "a primary and 3 replica(s) are 4" in stopped(state(settings=ZONES), replicas=3)
    for replicas in (2, 5):
        assert not plan(state(settings=ZONES), Target(INDEX, ROLE_ARN, replicas=replicas)).findings
    assert not plan(state(template=template(number_of_replicas="2"), settings=ZONES), TARGET).findings
    without = ZONES | {"cluster.routing.allocation.awareness.balance": "false"}
    assert not plan(state(settings=without), TARGET).findings


@pytest.mark.parametrize("flag", ["reserved", "hidden"])
def test_reserved_resources_are_refused(flag: str) -> None:
    for reserved in (state(mapping={**MAPPING, flag: True}), state(role={**ROLE, flag: True})):
        with pytest.raises(ReservedResource, match="eks-control-plane-logs-writer is reserved"):
            plan(reserved, TARGET)
        with pytest.raises(ReservedResource, match="eks-control-plane-logs-writer is reserved"):
            plan_removal(reserved, TARGET)


# What other stacks use, too.


def test_stacks_of_one_domain_share_role_and_template() -> None:
    for index in ("eks-control-plane-logs-blue", "eks-control-plane-logs"):
        assert plan(state(mapping=SHARED), Target(index, ROLE_ARN)) == Plan(())


def test_an_index_of_another_name_is_in_role_and_template() -> None:
    other = Target("blue", ROLE_ARN)
    assert Role().desired(other, NOTHING)["index_permissions"][0]["index_patterns"] == ["blue*"]
    assert IndexTemplate().desired(other, NOTHING)["index_patterns"] == ["blue*"]


def test_an_index_of_another_name_would_take_role_and_template_from_others_and_stops() -> None:
    target = Target("blue", ROLE_ARN)
    findings = plan(state(mapping=SHARED), target).findings
    assert [(one.name, one.status) for one in findings] == [("shared", Status.FAIL)] * 2
    assert f"used by others, too ({THEIR_ROLE}), and --index blue" in findings[0].message
    assert "(it is for eks-control-plane-logs* now)" in findings[0].message
    assert not plan(state(), target).findings
    assert not plan(state(mapping=SHARED), Target("blue", ROLE_ARN, change_shared=True)).findings


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"priority": 600}, "--template-priority 600 (500 now)"),
        ({"shards": 3}, "--shards 3 (1 now)"),
        ({"replicas": 2}, "--replicas 2 (1 now)"),
    ],
)
def test_an_option_that_would_change_everybodys_template_stops(chosen: dict[str, int], words: str) -> None:
    assert words in stopped(state(mapping=SHARED), **chosen)
    assert not plan(state(), Target(INDEX, ROLE_ARN, **chosen)).findings  # type: ignore[arg-type]
    agreed = Target(INDEX, ROLE_ARN, change_shared=True, **chosen)  # type: ignore[arg-type]
    assert len(plan(state(mapping=SHARED), agreed).steps) == 1


def test_options_that_say_what_is_there_stop_nothing() -> None:
    target = Target(INDEX, ROLE_ARN, priority=500, shards=1, replicas=1, retention_days=30)
    assert not plan(state(mapping=SHARED, ism=policy(30)), target).findings


@pytest.mark.parametrize("days", [7, 365])
def test_another_retention_than_that_of_others_stops(days: int) -> None:
    words = f"--retention-days {days} (an index goes after 31d now)"
    assert words in stopped(state(mapping=SHARED, ism=policy(30)), retention_days=days)
    assert "cluster dev" in stopped(state(ism=policy(30), clusters=("dev",)), retention_days=days)
    alone = plan(state(ism=policy(30)), Target(INDEX, ROLE_ARN, retention_days=days))
    assert [step.path for step in alone.steps] == [f"/_plugins/_ism/policies/{INDEX}?if_seq_no=7&if_primary_term=2"]
    assert not alone.findings


def test_another_rotation_is_another_retention_too() -> None:
    assert "(an index goes after 31d now)" in stopped(
        state(mapping=SHARED, ism=policy(30)), retention_days=30, rotation="monthly"
    )


def test_retention_needs_a_rotation() -> None:
    with pytest.raises(NotUsable, match="IndexRotation daily"):
        Target(INDEX, ROLE_ARN, rotation="none", retention_days=30)


# Removal.


def removed(found: State, *counted: IndexRecords, target: Target = TARGET) -> list[tuple[str, str]]:
    planned = plan_removal(found, target, counted, with_indices=bool(counted))
    return [(step.method, step.path) for step in planned.steps]


def test_rights_go_first_and_then_the_rest() -> None:
    assert [path for _, path in removed(state(ism=policy(30)))] == [
        MAPPING_PATH,
        "/_plugins/_security/api/roles/eks-control-plane-logs-writer",
        "/_index_template/eks-control-plane-logs",
        f"/_plugins/_ism/policies/{INDEX}",
    ]


def test_while_others_are_mapped_our_entry_alone_goes() -> None:
    doubled = SHARED | {"backend_roles": [ROLE_ARN, THEIR_ROLE, ROLE_ARN]}
    planned = plan_removal(state(mapping=doubled, ism=policy(30)), TARGET)
    (step,) = planned.steps
    assert (step.method, step.path) == ("PATCH", MAPPING_PATH)
    assert step.body == [
        {"op": "add", "path": "/backend_roles/3", "value": "-"},  # fails if the list has become shorter
        {"op": "remove", "path": "/backend_roles/3"},
        {"op": "remove", "path": "/backend_roles/2"},
        {"op": "remove", "path": "/backend_roles/0"},
    ]
    notes = "\n".join(planned.notes)
    for kind in ("role", "index template", "ISM policy"):
        assert f"{kind} " in notes
    assert notes.count(f"stays: others use it ({THEIR_ROLE}") == 4
    assert removed(state(mapping={"users": ["ada"]}, ism=policy(30))) == []


def test_a_policy_of_an_index_that_holds_our_records_alone_is_ours_to_change_whoever_else_is_mapped() -> None:
    found = state(mapping=SHARED, ism=policy(30), clusters=())
    assert not plan(found, Target(INDEX, ROLE_ARN, retention_days=90)).findings
    assert f"/_plugins/_ism/policies/{INDEX}" in [path for _, path in removed(found)]


def test_a_policy_stays_while_another_cluster_has_records_in_the_index() -> None:
    paths = [path for _, path in removed(state(ism=policy(30), clusters=("dev",)))]
    assert f"/_plugins/_ism/policies/{INDEX}" not in paths
    assert MAPPING_PATH in paths


def test_a_policy_or_template_that_others_made_stays() -> None:
    theirs = {"index_patterns": ["eks-control-plane-logs*"], "priority": 500}
    planned = plan_removal(state(template=theirs, ism=policy(30) | {"description": "theirs"}), TARGET)
    assert [step.resource for step in planned.steps] == [RoleMapping.kind, Role.kind]
    assert len([note for note in planned.notes if "this command did not make it" in note]) == 2


PROD = Target(INDEX, ROLE_ARN, cluster="prod")
DATED = f"{INDEX}-2026.11.20"


@pytest.mark.parametrize(
    ("records", "path"),
    [
        (IndexRecords(DATED, "cluster", 3, {"prod": 3}), f"/{DATED}"),
        (IndexRecords(DATED, "cluster", 0), f"/{DATED}"),
        (IndexRecords(DATED, "cluster", 4, {"prod": 3, "dev": 1}), f"/{DATED}/_delete_by_query"),
        (IndexRecords(DATED, "cluster", 4, {"prod": 3}), f"/{DATED}/_delete_by_query"),
        (IndexRecords(DATED, "cluster", 3, {"dev": 3}), None),
        (IndexRecords(DATED, None, 3), None),
    ],
)
def test_an_index_goes_as_a_whole_only_where_all_records_are_the_clusters(records: IndexRecords, path: str) -> None:
    paths = [one.partition("?")[0] for _, one in removed(state(), records, target=PROD) if one.startswith(f"/{INDEX}")]
    assert paths == ([path] if path else [])


def test_records_are_deleted_by_the_clusters_exact_name() -> None:
    records = IndexRecords(DATED, "cluster.keyword", 4, {"prod": 3, "prod-eu": 1})
    step = plan_removal(state(), PROD, [records], with_indices=True).steps[-1]
    assert step.body == {"query": {"term": {"cluster.keyword": "prod"}}}
    assert "1 of prod-eu stay" in step.title


def test_an_empty_index_that_others_may_write_to_stays() -> None:
    empty = IndexRecords(DATED, "cluster", 0)
    assert f"/{DATED}" not in [path for _, path in removed(state(mapping=SHARED), empty, target=PROD)]


def test_indices_that_stay_are_told() -> None:
    found = State(state().current, indices=(ExistingIndex(DATED), ExistingIndex(f"{INDEX}-neighbour")))
    assert any(
        note.startswith(f"1 indices stay with their records, {DATED}") for note in plan_removal(found, TARGET).notes
    )


def test_each_resource_has_its_json() -> None:
    for one in RESOURCES:
        assert json_file(f"{type(one).__module__.rpartition('.')[2]}.json")
