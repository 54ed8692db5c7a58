import copy
from typing import Any

import pytest

from eks_logs.errors import ReservedResource
from eks_logs.opensearch.server import Kind, Server
from eks_logs.opensearch.target import wanted
from eks_logs.plan import Found, Step, plan

ROLE_ARN = "arn:aws:iam::111122223333:role/forwarder"
WANTED = wanted("eks-control-plane-logs", ROLE_ARN)
NOTHING = Found(None, None, None)
assert WANTED.role is not None
ROLE = {
    **WANTED.role,
    "reserved": False,
    "hidden": False,
    "static": False,
    "tenant_permissions": [],
    "index_permissions": [
        {**rights, "dls": None, "fls": [], "masked_fields": []} for rights in WANTED.role["index_permissions"]
    ],
}
MAPPING = {"backend_roles": [ROLE_ARN], "hosts": [], "users": [], "and_backend_roles": [], "reserved": False}
EVERYTHING = Found(ROLE, MAPPING, WANTED.template)


def titles(found: Found) -> list[str]:
    return [step.title for step in plan(found, WANTED).steps]


def only(found: Found) -> Step:
    (step,) = plan(found, WANTED).steps
    return step


def twins(version: str) -> set[bool]:
    """Whether the subfields of keywords are indexed, in the template for a server of a version."""
    template = wanted("eks-control-plane-logs", ROLE_ARN, server=Server(Kind.OPENSEARCH, version)).template
    properties = template["template"]["mappings"]["properties"]
    assert properties["user"]["properties"]["groups"].get("index", True) is properties["verb"]["fields"]["keyword"].get(
        "index", True
    )
    return {properties[name]["fields"]["keyword"].get("index", True) for name in ("verb", "auditID", "@id")}


@pytest.mark.parametrize(
    ("version", "indexed"), [("1.3.20", True), ("2.9.0", True), ("2.18.0", True), ("2.19.4", False), ("3.5.0", False)]
)
def test_where_doc_values_answer_every_query_a_keyword_is_indexed_once(version: str, *, indexed: bool) -> None:
    assert twins(version) == {indexed}


def test_nothing_there_creates_everything_in_order() -> None:
    assert titles(NOTHING) == [
        "create role eks-control-plane-logs-writer",
        "create rolesmapping eks-control-plane-logs-writer",
        "create index template eks-control-plane-logs",
    ]


def test_everything_there_changes_nothing() -> None:
    assert titles(EVERYTHING) == []


def test_the_mapping_of_others_is_kept() -> None:
    others = {"backend_roles": ["theirs"], "hosts": ["host"], "users": ["user"], "and_backend_roles": ["both"]}
    step = only(Found(ROLE, others, WANTED.template))
    assert step.body == {**others, "backend_roles": ["theirs", ROLE_ARN]}
    assert f'+    "{ROLE_ARN}"' in "\n".join(step.diff)


def test_rights_that_grew_are_taken_back() -> None:
    wide: dict[str, Any] = copy.deepcopy(ROLE)
    wide["index_permissions"][0]["allowed_actions"].append("indices:admin/delete")
    step = only(Found(wide, MAPPING, WANTED.template))
    assert step.title == "change role eks-control-plane-logs-writer"
    assert step.body == WANTED.role
    assert any(line.startswith("-") and "indices:admin/delete" in line for line in step.diff)


def test_settings_that_come_back_as_text_are_equal() -> None:
    template = copy.deepcopy(WANTED.template)
    template["template"]["settings"]["index"]["number_of_shards"] = "1"
    template["template"]["mappings"]["dynamic"] = "false"
    template["composed_of"] = []
    assert titles(Found(ROLE, MAPPING, template)) == []


def test_a_changed_template_is_mended() -> None:
    template = copy.deepcopy(WANTED.template)
    template["template"]["mappings"]["dynamic"] = True
    assert titles(Found(ROLE, MAPPING, template)) == ["change index template eks-control-plane-logs"]


@pytest.mark.parametrize("flag", ["reserved", "hidden"])
def test_reserved_resources_are_refused(flag: str) -> None:
    with pytest.raises(ReservedResource, match="rolesmapping"):
        plan(Found(ROLE, {**MAPPING, flag: True}, WANTED.template), WANTED)


def test_stacks_of_one_domain_share_role_and_template() -> None:
    other = wanted("eks-control-plane-logs-blue", ROLE_ARN)
    assert (other.role, other.template) == (WANTED.role, WANTED.template)
    assert WANTED.template["index_patterns"] == ["eks-control-plane-logs*"]


def test_an_index_of_another_name_is_in_role_and_template() -> None:
    other = wanted("blue", ROLE_ARN)
    assert other.template["index_patterns"] == ["blue*"]
    assert other.role is not None
    assert other.role["index_permissions"][0]["index_patterns"] == ["blue*"]
