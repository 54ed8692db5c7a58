"""The command destroy: ours goes, and nothing of anybody else's."""

from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from eks_logs.opensearch.index_template import TEMPLATE_PATH
from eks_logs.opensearch.role import ROLE_PATH
from eks_logs.opensearch.role_mapping import MAPPING_PATH
from local.rig import Rig
from tests.operator_commands import delete, done, get, put, run

INDEX = "eks-control-plane-logs-destroyed"
DATED = f"{INDEX}-2026.11.20"
NEIGHBOUR = f"{INDEX}-neighbour"
THEIR_ROLE = "arn:aws:iam::111122223333:role/theirs"


@pytest.fixture
def installed(prepared: Rig, server: OpenSearch) -> Iterator[Rig]:
    """The rig after the setup, with two indices of ours and one of others; everything is there again afterwards."""
    for index in (INDEX, DATED, NEIGHBOUR):
        server.indices.create(index=index)
    yield prepared
    for index in (INDEX, DATED, NEIGHBOUR):
        delete(server, f"/{index}")
    done(prepared, "apply")


def destroyed(rig: Rig, *more: str) -> str:
    return done(rig, "destroy", "--index", INDEX, "--cluster", "prod", "--yes", *more)


def is_there(server: OpenSearch) -> list[bool]:
    """Role, rolesmapping and template of ours."""
    roles, mappings = (get(server, f"/_plugins/_security/api/{kind}") for kind in ("roles", "rolesmapping"))
    templates = [one["name"] for one in get(server, "/_index_template")["index_templates"]]
    ours = "eks-control-plane-logs-writer"
    return [ours in roles, ours in mappings, "eks-control-plane-logs" in templates]


def test_what_apply_made_goes_once_and_records_stay(installed: Rig, server: OpenSearch) -> None:
    output = destroyed(installed)
    for words in ("delete rolesmapping", "delete role", "delete index template", "3 removed", "2 indices stay"):
        assert words in output
    assert is_there(server) == [False, False, False]
    assert all(server.indices.exists(index=index) for index in (INDEX, DATED, NEIGHBOUR))
    assert destroyed(installed).endswith("nothing to remove\n")


def test_role_and_template_stay_while_others_are_mapped(installed: Rig, server: OpenSearch) -> None:
    mapping = {"backend_roles": [THEIR_ROLE, installed.function_identity.role_arn], "users": ["ada"], "hosts": ["h"]}
    put(server, MAPPING_PATH, mapping)
    before = [get(server, path) for path in (ROLE_PATH, TEMPLATE_PATH)]
    output = destroyed(installed)
    assert "1 removed" in output
    assert "index template eks-control-plane-logs stays: others use it" in output
    left = get(server, MAPPING_PATH)["eks-control-plane-logs-writer"]
    assert (left["backend_roles"], left["users"], left["hosts"]) == ([THEIR_ROLE], ["ada"], ["h"])
    assert [get(server, path) for path in (ROLE_PATH, TEMPLATE_PATH)] == before
    assert destroyed(installed).endswith("nothing to remove\n")
    delete(server, MAPPING_PATH)


def test_a_template_of_our_name_that_others_made_stays(installed: Rig, server: OpenSearch) -> None:
    put(server, TEMPLATE_PATH, {"index_patterns": ["eks-control-plane-logs*"], "priority": 500})
    assert "index template eks-control-plane-logs stays" in destroyed(installed)
    assert is_there(server) == [False, False, True]


def test_indices_go_only_when_told_and_only_ours(installed: Rig, server: OpenSearch) -> None:
    assert f"delete index {DATED}" in destroyed(installed, "--delete-indices")
    assert [server.indices.exists(index=index) for index in (INDEX, DATED, NEIGHBOUR)] == [False, False, True]


@pytest.mark.parametrize(
    ("options", "typed"), [((), "n\n"), (("--delete-indices",), "yes\n"), (("--delete-indices",), "")]
)
def test_nothing_goes_without_being_confirmed(
    installed: Rig, server: OpenSearch, options: tuple[str, ...], typed: str
) -> None:
    result = run(installed, "destroy", "--index", INDEX, "--cluster", "prod", *options, typed=typed)
    assert result.exit_code == 1
    assert "delete role" in result.output
    assert is_there(server) == [True, True, True]
    assert server.indices.exists(index=INDEX)


def test_typing_the_index_name_confirms_that_records_go(installed: Rig, server: OpenSearch) -> None:
    result = run(installed, "destroy", "--index", INDEX, "--cluster", "prod", "--delete-indices", typed=f"{INDEX}\n")
    assert result.exit_code == 0, result.output
    assert not server.indices.exists(index=INDEX)
