"""What all tests share."""

from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch

from local.forwarding import master_client
from local.rig import Rig, open_rig, tell
from local.setup_script import run_setup


@pytest.fixture(scope="session")
def rig() -> Iterator[Rig]:
    """One OpenSearch and its edge for the whole run; tests keep out of each other's indices."""
    with open_rig() as opened:
        yield opened


@pytest.fixture(scope="session")
def prepared(rig: Rig) -> Rig:
    """The rig after the setup script."""
    run_setup(rig, tell)
    return rig


@pytest.fixture(scope="session")
def server(prepared: Rig) -> Iterator[OpenSearch]:
    """The server itself, as its master user."""
    client = master_client(prepared)
    yield client
    client.close()
