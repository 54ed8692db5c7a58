"""Many stacks on one real OpenSearch: nobody loses what is theirs, and nobody changes what is everybody's unasked."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from opensearchpy import OpenSearch

from eks_logs.opensearch.index_template import TEMPLATE_PATH
from eks_logs.opensearch.role import ROLE_PATH
from eks_logs.opensearch.role_mapping import MAPPING_PATH
from local.operators_tool import operator_environment
from local.rig import Rig
from tests.operator_commands import delete, done, get, put, run

INDEX = "eks-control-plane-logs-of-many"
ROLE = "eks-control-plane-logs-writer"
PIPELINES = [f"arn:aws:iam::111122223333:role/pipeline-{number}" for number in range(6)]
THEIRS = {"backend_roles": ["arn:aws:iam::111122223333:role/theirs"], "users": ["ada"], "hosts": ["*.example.com"]}
TODAY = f"{INDEX}-{datetime.now(UTC):%Y.%m.%d}"


def at_once(rig: Rig, command: str, *more: str) -> list[tuple[int, str]]:
    """A command by six pipelines at once: status and output of each."""
    children = [
        subprocess.Popen(  # noqa: S603 - ours
            [
                *(sys.executable, "-m", "eks_logs", command, "--endpoint", rig.edge_url),
                *("--ca-file", str(rig.ca_file), "--role-arn", role, *more),
            ],
            env=operator_environment(rig),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for role in PIPELINES
    ]
    return [(child.returncode, output) for child in children for output in [child.communicate(timeout=100)[0]]]


def mapped(server: OpenSearch) -> dict[str, Any]:
    mappings = get(server, "/_plugins/_security/api/rolesmapping")
    found: dict[str, Any] = mappings.get(ROLE, {})
    return found


@pytest.fixture
def domain(prepared: Rig, server: OpenSearch) -> Iterator[Rig]:
    """The rig after apply; as it was, afterwards."""
    yield prepared
    server.cluster.put_settings(
        body={
            "persistent": {"action.auto_create_index": None, "cluster.max_shards_per_node": None},
            "transient": {"cluster.routing.allocation.awareness.*": None},
        }
    )
    for path in (f"/{INDEX}*", MAPPING_PATH, TEMPLATE_PATH):
        delete(server, path)
    done(prepared, "apply")


@pytest.mark.parametrize("there", [None, {"users": ["ada"]}, THEIRS])
def test_six_pipelines_at_once_are_all_mapped_and_taken_out_again(
    domain: Rig, server: OpenSearch, there: dict[str, Any] | None
) -> None:
    delete(server, MAPPING_PATH)
    if there is not None:
        put(server, MAPPING_PATH, there)
    before = (there or {}).get("backend_roles", [])
    for status, output in at_once(domain, "apply"):
        assert status == 0, output
    assert sorted(mapped(server)["backend_roles"]) == sorted([*before, *PIPELINES])
    for status, output in at_once(domain, "destroy", "--yes"):
        assert status == 0, output
    assert mapped(server).get("backend_roles", []) == before
    assert mapped(server).get("users", []) == (there or {}).get("users", [])


def store(server: OpenSearch, index: str, **clusters: int) -> None:
    for cluster, count in clusters.items():
        for _ in range(count):
            body = {"@timestamp": datetime.now(UTC).isoformat(), "log_type": "audit", "cluster": cluster}
            server.index(index=index, body=body)


def count(server: OpenSearch, index: str) -> int:
    server.indices.refresh(index=index)
    counted: int = server.count(index=index)["count"]
    return counted


def test_only_the_records_of_the_cluster_go_and_no_other_clusters(domain: Rig, server: OpenSearch) -> None:
    shared, alone, theirs = (f"{INDEX}-2026.11.{day}" for day in (20, 21, 22))
    store(server, shared, prod=3, dev=2, **{"prod-eu": 1})
    store(server, alone, prod=2)
    store(server, theirs, dev=2)
    options = ("--index", INDEX, "--rotation", "daily", "--cluster", "prod", "--delete-indices")
    output = done(domain, "destroy", *options, "--yes")
    assert f"delete 3 records of cluster prod in index {shared}; 2 of dev, 1 of prod-eu stay" in output
    assert not server.indices.exists(index=alone)
    assert (count(server, shared), count(server, theirs)) == (3, 2)
    done(domain, "apply")
    assert f"of cluster prod in index {shared}" not in done(domain, "destroy", *options, "--yes")


def test_records_of_an_index_that_the_server_mapped_are_told_apart_by_the_whole_name(
    domain: Rig, server: OpenSearch
) -> None:
    delete(server, TEMPLATE_PATH)
    index = f"{INDEX}-2026.11.20"
    store(server, index, prod=1, **{"prod-eu": 2})
    done(domain, "destroy", "--index", INDEX, "--rotation", "daily", "--cluster", "prod", "--delete-indices", "--yes")
    assert count(server, index) == 2


def test_records_are_not_deleted_where_nobody_says_of_which_cluster(domain: Rig) -> None:
    result = run(domain, "destroy", "--index", INDEX, "--delete-indices", "--yes")
    assert result.exit_code == 1
    assert "name it with --cluster, or --stack-name" in result.output


def test_what_one_stacks_options_would_change_for_all_stops_before_the_first_change(
    domain: Rig, server: OpenSearch
) -> None:
    put(server, MAPPING_PATH, THEIRS)
    before = [get(server, path) for path in (ROLE_PATH, MAPPING_PATH, TEMPLATE_PATH)]
    for options in (["--index", "blue"], ["--replicas", "0"], ["--template-priority", "900"], ["--shards", "2"]):
        result = run(domain, "apply", *options)
        assert result.exit_code == 1
        assert "FAIL  shared" in result.output
        assert f"used by others, too ({THEIRS['backend_roles'][0]}" in result.output
    assert [get(server, path) for path in (ROLE_PATH, MAPPING_PATH, TEMPLATE_PATH)] == before
    assert "changed" in done(domain, "apply", "--shards", "2", "--change-shared")
    settings = get(server, TEMPLATE_PATH)["index_templates"][0]["index_template"]["template"]["settings"]["index"]
    assert settings["number_of_shards"] == "2"


def test_what_the_operator_set_in_the_template_is_kept(domain: Rig, server: OpenSearch) -> None:
    template = get(server, TEMPLATE_PATH)["index_templates"][0]["index_template"]
    own = {"number_of_shards": "2", "number_of_replicas": "3", "refresh_interval": "5s"}
    template["template"]["settings"]["index"] |= own
    put(server, TEMPLATE_PATH, template | {"priority": 777})
    assert "nothing to change" in done(domain, "apply")
    assert "nothing to change" in done(domain, "plan", "--replicas", "3", "--template-priority", "777")
    template["template"]["mappings"]["dynamic"] = True
    put(server, TEMPLATE_PATH, template | {"priority": 777})
    done(domain, "apply")
    left = get(server, TEMPLATE_PATH)["index_templates"][0]["index_template"]
    assert left["priority"] == 777
    assert str(left["template"]["mappings"]["dynamic"]).lower() == "false"
    assert {name: left["template"]["settings"]["index"][name] for name in own} == own


def test_a_domain_with_standby_is_told_in_words_and_served_with_two_replicas(domain: Rig, server: OpenSearch) -> None:
    prefix = "cluster.routing.allocation.awareness."
    zones = {f"{prefix}attributes": "zone", f"{prefix}force.zone.values": "a,b,c", f"{prefix}balance": True}
    server.cluster.put_settings(body={"transient": zones})
    delete(server, TEMPLATE_PATH)
    result = run(domain, "apply")
    assert result.exit_code == 1
    assert "3 zones (Multi-AZ with Standby)" in result.output
    assert "fix: add --replicas 2" in result.output
    assert run(domain, "check").exit_code == 1
    assert "1 changed" in done(domain, "apply", "--replicas", "2")
    assert "nothing to change" in done(domain, "apply")


def checked(rig: Rig, *more: str) -> tuple[int, dict[str, tuple[str, str]]]:
    result = run(rig, "check", "--index", INDEX, "--json", *more)
    findings = json.loads(result.output)["findings"]
    return result.exit_code, {one["name"]: (one["status"], one["message"]) for one in findings}


def test_a_check_counts_the_clusters_own_documents(domain: Rig, server: OpenSearch) -> None:
    store(server, TODAY, prod=2, dev=3)
    server.indices.refresh(index=TODAY)
    daily = ("--rotation", "daily", "--cluster")
    assert "2 of cluster prod in the last 60 minutes" in checked(domain, *daily, "prod")[1]["documents"][1]
    code, findings = checked(domain, *daily, "staging")
    assert (code, findings["documents"][0]) == (1, "fail")
    assert "none of cluster staging" in findings["documents"][1]
    assert "5 in the last 60 minutes" in checked(domain, "--rotation", "daily")[1]["documents"][1]


def test_daily_indices_are_what_is_looked_at_unless_told_otherwise(domain: Rig, server: OpenSearch) -> None:
    store(server, INDEX, prod=1)
    store(server, TODAY, prod=2)
    server.indices.refresh(index=f"{INDEX}*")
    arguments = ["check", "--endpoint", domain.edge_url, "--ca-file", str(domain.ca_file), "--index", INDEX]
    ran = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "eks_logs", *arguments, "--role-arn", domain.function_identity.role_arn],
        env=operator_environment(domain),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "documents  2 in the last 60 minutes" in ran.stdout, ran.stdout


def test_an_index_that_the_server_mapped_itself_fails_the_check(domain: Rig, server: OpenSearch) -> None:
    delete(server, TEMPLATE_PATH)
    store(server, TODAY, prod=1)
    done(domain, "apply")
    code, findings = checked(domain, "--rotation", "daily")
    assert (code, findings["index"][0]) == (1, "fail")
    assert f"index {TODAY} has a mapping of its own" in findings["index"][1]
    assert "warn  index" in done(domain, "plan", "--index", INDEX, "--rotation", "daily")


@pytest.mark.parametrize("setting", ["false", "-eks-*,+*", "+logs-*"])
def test_a_server_that_makes_no_indices_fails_the_check(domain: Rig, server: OpenSearch, setting: str) -> None:
    server.cluster.put_settings(body={"persistent": {"action.auto_create_index": setting}})
    code, findings = checked(domain, "--rotation", "daily")
    assert (code, findings["creation"][0]) == (1, "fail")
    assert f"action.auto_create_index is {setting}" in findings["creation"][1]
    assert "warn  creation" in done(domain, "plan", "--index", INDEX, "--rotation", "daily")


def test_a_cluster_without_room_for_shards_fails_the_check(domain: Rig, server: OpenSearch) -> None:
    server.cluster.put_settings(body={"persistent": {"cluster.max_shards_per_node": 1}})
    code, findings = checked(domain, "--rotation", "daily")
    assert (code, findings["creation"][0]) == (1, "fail")
    assert "shards of at most 1" in findings["creation"][1]


def test_an_index_that_takes_no_records_fails_the_check(domain: Rig, server: OpenSearch) -> None:
    store(server, TODAY, prod=1)
    server.indices.put_settings(index=TODAY, body={"index.blocks.write": True})
    assert checked(domain, "--rotation", "daily")[1]["index"] == (
        "fail",
        f"index {TODAY} takes no records (index.blocks.write)",
    )
    server.indices.close(index=TODAY)
    code, findings = checked(domain, "--rotation", "daily")
    assert code == 1
    assert f"index {TODAY} takes no records (closed" in findings["index"][1]


def test_drift_is_a_status_of_its_own(domain: Rig, server: OpenSearch) -> None:
    assert run(domain, "plan", "--detailed-exitcode").exit_code == 0
    put(server, ROLE_PATH, {"cluster_permissions": ["*"]})
    assert run(domain, "plan", "--detailed-exitcode").exit_code == 2
    assert run(domain, "plan").exit_code == 0
    done(domain, "apply")
    put(server, "/_index_template/theirs", {"index_patterns": ["eks-*"], "priority": 900})
    result = run(domain, "plan", "--detailed-exitcode", "--json")
    delete(server, "/_index_template/theirs")
    assert result.exit_code == 1
    assert [one["name"] for one in json.loads(result.output)["findings"]] == ["template"]


def test_what_was_removed_is_told_as_json(domain: Rig) -> None:
    report = json.loads(done(domain, "destroy", "--yes", "--json"))
    assert report["removed"]
    assert [step["resource"] for step in report["steps"]] == ["rolesmapping", "role", "index template"]
    assert not json.loads(done(domain, "destroy", "--yes", "--json"))["removed"]
