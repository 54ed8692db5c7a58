"""What all tests share."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from opensearchpy import OpenSearch

from eks_logs.opensearch.index_template import TEMPLATE_PATH
from eks_logs.opensearch.role import ROLE_PATH
from eks_logs.opensearch.role_mapping import MAPPING_PATH
from local.distribution import chosen_engine
from local.errors import RigError
from local.forwarding import forward_events, master_client, sent_by_type, stored_by_type
from local.operators_tool import run_setup
from local.rig import Rig, open_rig, tell
from local.s3 import S3Server, open_s3
from tests.operator_commands import delete, get, put

SAMPLES = "eks-control-plane-logs-samples"


def pytest_configure() -> None:
    try:
        chosen_engine(os.environ)
    except RigError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_report_header() -> str:
    return f"engine: OpenSearch {chosen_engine(os.environ).version}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Mark what talks to OpenSearch, before `-m` chooses among the marks."""
    for item in items:
        if isinstance(item, pytest.Function) and "rig" in item.fixturenames:
            item.add_marker("opensearch")
            # One worker has the one server, where tests run side by side.
            item.add_marker(pytest.mark.xdist_group("opensearch"))


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """One OpenSearch and its edge for the whole run; tests keep out of each other's indices."""
    with open_rig() as opened:
        yield opened


@pytest.fixture(scope="session")
def prepared(rig: Rig) -> Rig:
    """The rig after `eks-logs apply`."""
    run_setup(rig, tell)
    return rig


@pytest.fixture(scope="session")
def server(prepared: Rig) -> Iterator[OpenSearch]:
    """The server itself, as its master user."""
    client = master_client(prepared)
    yield client
    client.close()


@pytest.fixture(scope="session")
def applied(server: OpenSearch) -> dict[str, Any]:
    """What `eks-logs apply` made, as the API takes it; to put it back is quicker than to apply it again."""
    template = get(server, TEMPLATE_PATH)["index_templates"][0]["index_template"]
    (role,), (mapping,) = (get(server, path).values() for path in (ROLE_PATH, MAPPING_PATH))
    rights = {name: role[name] for name in ("cluster_permissions", "index_permissions")}
    return {TEMPLATE_PATH: template, ROLE_PATH: rights, MAPPING_PATH: {"backend_roles": mapping["backend_roles"]}}


@pytest.fixture
def bare(prepared: Rig, server: OpenSearch, applied: dict[str, Any]) -> Iterator[Rig]:
    """The rig without anything of ours; everything is there again afterwards."""
    for path in (TEMPLATE_PATH, MAPPING_PATH, ROLE_PATH):
        delete(server, path)
    yield prepared
    for path, body in applied.items():
        put(server, path, body)


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3; tests keep out of each other's buckets."""
    with open_s3() as opened:
        yield opened


@pytest.fixture(scope="session")
def samples(prepared: Rig, server: OpenSearch) -> OpenSearch:
    """The server, with every file of events/ forwarded to the index SAMPLES."""
    with prepared.lambda_runtime({"INDEX_NAME": SAMPLES}) as runtime:
        forwarded = forward_events(runtime)
    assert [one.invocation.error for one in forwarded if one.invocation.error] == []
    assert stored_by_type(server, SAMPLES) == sent_by_type(forwarded)
    return server
