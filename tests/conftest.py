"""What all tests share."""

import os
from collections.abc import Iterator, Sequence

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
from tests.operator_commands import delete, done

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


@pytest.fixture
def bare(prepared: Rig, server: OpenSearch) -> Iterator[Rig]:
    """The rig without anything of ours; everything is there again afterwards."""
    for path in (TEMPLATE_PATH, MAPPING_PATH, ROLE_PATH):
        delete(server, path)
    yield prepared
    done(prepared, "apply")


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
