"""eks-logs on an OpenSearch that other teams use, too."""

from collections.abc import Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch, RequestError

from eks_logs.opensearch.index_template import TEMPLATE_PATH, mapped_template
from eks_logs.opensearch.role import ROLE_PATH
from local.rig import Rig
from tests.operator_commands import delete, done, get, put, run

INDEX = "eks-control-plane-logs-among-others"
THEIRS = "/_index_template/theirs"


@pytest.fixture
def shared(bare: Rig, server: OpenSearch) -> Iterator[Rig]:
    """The rig before our setup; what a test makes of others in it goes with the test."""
    yield bare
    for path in (THEIRS, f"/{INDEX}-behind", f"/{INDEX}"):
        delete(server, path)


def template(priority: int, pattern: str = "eks-*") -> dict[str, Any]:
    return {"index_patterns": [pattern], "priority": priority, "template": {"settings": {"number_of_shards": 3}}}


def test_a_template_of_equal_priority_stops_everything_before_it_begins(shared: Rig, server: OpenSearch) -> None:
    put(server, THEIRS, template(500))
    before = get(server, THEIRS)
    result = run(shared, "apply")
    assert result.exit_code == 1
    assert "FAIL  template  the index template theirs (eks-*)" in result.output
    assert "--template-priority 501" in result.output
    assert result.output.endswith("nothing was changed: fix what is in the way first\n")
    assert "eks-control-plane-logs-writer" not in get(server, "/_plugins/_security/api/roles")
    assert get(server, THEIRS) == before


@pytest.mark.usefixtures("shared")
def test_opensearch_itself_refuses_a_template_of_equal_priority(server: OpenSearch) -> None:
    put(server, THEIRS, template(500))
    with pytest.raises(RequestError, match="same priority"):
        put(server, TEMPLATE_PATH, mapped_template(None))


def test_a_higher_priority_of_ours_passes_and_leaves_theirs_as_it_is(shared: Rig, server: OpenSearch) -> None:
    put(server, THEIRS, template(500))
    before = get(server, THEIRS)
    assert "3 changed" in done(shared, "apply", "--template-priority", "501")
    assert get(server, THEIRS) == before
    server.indices.create(index=INDEX)
    assert get(server, f"/{INDEX}/_mapping")[INDEX]["mappings"]["dynamic"] == "false"
    assert "nothing to change" in done(shared, "plan", "--template-priority", "501")


def test_a_template_of_higher_priority_is_reported_and_would_win_in_silence(shared: Rig, server: OpenSearch) -> None:
    done(shared, "apply")
    put(server, THEIRS, template(600))
    for command in ("plan", "apply", "check"):
        result = run(shared, command)
        assert result.exit_code == 1
        assert "theirs (eks-*) is for our index, too, and has a higher priority, 600" in result.output
    server.indices.create(index=INDEX)
    assert get(server, f"/{INDEX}/_mapping")[INDEX]["mappings"] == {}


def test_a_template_for_indices_of_theirs_is_none_of_our_business(shared: Rig, server: OpenSearch) -> None:
    put(server, THEIRS, template(600, f"{INDEX}*"))
    assert "3 changed" in done(shared, "apply")


def test_an_index_that_is_there_already_with_another_mapping_is_reported(shared: Rig, server: OpenSearch) -> None:
    server.indices.create(index=INDEX, body={"mappings": {"properties": {"@log_stream": {"type": "keyword"}}}})
    output = done(shared, "apply", "--index", INDEX)
    assert f"warn  index  index {INDEX} has a mapping of its own (dynamic is true, @log_stream is keyword)" in output
    assert "3 changed" in output


def test_an_index_without_any_mapping_is_reported(shared: Rig, server: OpenSearch) -> None:
    server.indices.create(index=INDEX)
    assert "dynamic is true, @log_stream is not mapped" in done(shared, "plan", "--index", INDEX)


def test_an_index_made_from_our_template_is_not_reported(prepared: Rig, server: OpenSearch) -> None:
    server.indices.create(index=INDEX)
    assert done(prepared, "plan", "--index", INDEX) == "nothing to change: OpenSearch is set up\n"
    delete(server, f"/{INDEX}")


def test_an_alias_of_our_name_is_reported(shared: Rig, server: OpenSearch) -> None:
    server.indices.create(index=f"{INDEX}-behind", body={"aliases": {INDEX: {}}})
    result = run(shared, "plan", "--index", INDEX)
    assert result.exit_code == 1
    assert f"FAIL  index  {INDEX} is an alias, of {INDEX}-behind" in result.output


def test_a_second_stack_of_another_index_takes_nothing_from_the_first(prepared: Rig, server: OpenSearch) -> None:
    before = [get(server, path) for path in (ROLE_PATH, TEMPLATE_PATH)]
    assert "nothing to change" in done(prepared, "apply", "--index", INDEX)
    assert [get(server, path) for path in (ROLE_PATH, TEMPLATE_PATH)] == before
