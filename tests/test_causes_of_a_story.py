"""Causes among the records of a real control plane, as the function writes them; its STORY.md says what was done."""

from pathlib import Path

import pytest

from eks_logs.causes import Chain, Source, chains, one_of_each_request, without_confirmations
from forwarder.pipeline import documents_of
from local.lambda_runtime import TREE
from tests.payloads import STREAMS, batch

RECORDS = TREE.parent / "shared" / "corpus" / "kubernetes-1.35.4" / "audit.jsonl"
ADMIN = ("kubernetes-admin", "jonas.weber")
CI = ("ci-deployer", "")

pytestmark = pytest.mark.skipif(not RECORDS.is_file(), reason="the records of a control plane are not beside this tree")


@pytest.fixture(scope="module")
def sources() -> list[Source]:
    records = batch(Path(RECORDS).read_text().splitlines(), STREAMS["audit"])
    return one_of_each_request(document.source for document in documents_of(records))


def pods_of(sources: list[Source], verbs: tuple[str, ...]) -> list[tuple[Source, Chain | None]]:
    """Allowed requests of these verbs about pods themselves, without the kubelet's confirmations."""
    rows = [
        source
        for source in sources
        if source.get("outcome") == "allowed"
        and source.get("verb") in verbs
        and source.get("objectRef", {}).get("resource") == "pods"
        and "subresource" not in source["objectRef"]
    ]
    return without_confirmations(rows, chains(rows, sources))[0]


def causes(found: list[tuple[Source, Chain | None]]) -> set[tuple[tuple[str, str], str, str, str]]:
    """Who (user, session) did what to which object, at the beginning of each chain."""
    first = [chain.links[0] for _, chain in found if chain]
    return {
        ((link.username, link.session_name), link.verb, link.thing.resource, link.subresource or link.thing.name)
        for link in first
    }


def test_whoever_deleted_pods_is_found(sources: list[Source]) -> None:
    found = pods_of(sources, ("delete", "deletecollection"))
    assert [chain for _, chain in found if chain and not chain.found] == []
    assert causes(found) == {
        (ADMIN, "create", "pods", "eviction"),
        (ADMIN, "delete", "deployments", "cart"),
        (ADMIN, "delete", "namespaces", "shop"),
        (CI, "patch", "deployments", "cart"),
        (CI, "patch", "deployments", "checkout"),
    }


def test_what_is_deleted_with_its_namespace_has_its_name(sources: list[Source]) -> None:
    found = pods_of(sources, ("delete", "deletecollection"))
    collections = [chain for row, chain in found if row["verb"] == "deletecollection" and chain]
    assert [name for chain in collections for name in chain.confirmed if name.startswith("checkout-")] != []


def test_whoever_made_pods_is_found(sources: list[Source]) -> None:
    found = pods_of(sources, ("create",))
    assert [chain for _, chain in found if chain and not chain.found] == []
    assert causes(found) == {
        (CI, "create", "deployments", "cart"),
        (CI, "patch", "deployments", "cart"),
        (CI, "patch", "deployments", "checkout"),
        (ADMIN, "create", "pods", "eviction"),
    }
