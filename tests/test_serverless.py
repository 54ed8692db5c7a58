"""OpenSearch Serverless on the wire: the function's client through an edge that wants what Serverless wants.

A signature for `aoss` with the body's hash among its headers (Amazon OpenSearch Service developer guide, "Ingesting
data into Amazon OpenSearch Serverless collections"). Which endpoint gets one is shown in test_opensearch.py.
"""

from collections.abc import Iterator

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from requests_aws4auth import AWS4Auth

from forwarder.delivery.bulk import BulkAnswer, pack
from forwarder.delivery.client import OpenSearchClient, Signature
from forwarder.delivery.outcomes import Outcome, Verdict, judge
from forwarder.documents import document_of
from forwarder.index_names import Index
from local.identities import Identity
from local.rig import Edge, Rig, open_edge

INDEX = "eks-control-plane-logs-serverless"


@pytest.fixture(scope="module")
def collection(prepared: Rig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """What stands for a collection's endpoint, before the same server."""
    folder = tmp_path_factory.mktemp("serverless") / "edge"
    with open_edge(prepared.node.url, (prepared.function_identity,), folder, service="aoss") as edge:
        yield edge


def send(edge: Edge, rig: Rig, service: str, name: str) -> Outcome:
    """What becomes of one document that the function's client sends, signed for this service."""
    identity = rig.function_identity
    keys = (identity.access_key_id, identity.secret_access_key, rig.region, service)
    signature = Signature(AWS4Auth(*keys, session_token=identity.session_token))
    document = document_of(name, {"@timestamp": "2026-11-20T23:59:59.999Z", "@id": name})
    (request,) = pack([document], Index(INDEX), 10_000)
    (outcome,) = judge(request, OpenSearchClient(edge.url, signature, str(edge.ca_file)).bulk(request.body, 30))
    return outcome


def test_the_functions_client_signs_as_serverless_wants(collection: Edge, prepared: Rig) -> None:
    assert send(collection, prepared, "aoss", "signed").verdict is Verdict.STORED
    assert send(collection, prepared, "aoss", "signed").verdict is Verdict.DUPLICATE


def test_a_signature_for_a_domain_is_refused_by_a_collection(collection: Edge, prepared: Rig) -> None:
    outcome = send(collection, prepared, "es", "for-a-domain")
    assert (outcome.verdict, outcome.status) == (Verdict.MISCONFIGURED, 403)
    assert outcome.reason == "Credential should be scoped to correct service: 'aoss'."


def post(edge: Edge, identity: Identity, *, hashed: str | None) -> requests.Response:
    """A search signed by botocore, which adds no hash of the body of its own accord; `hashed` is sent unsigned."""
    request = AWSRequest(
        "POST", f"{edge.url}/{INDEX}/_search", data=b"{}", headers={"content-type": "application/json"}
    )
    keys = Credentials(identity.access_key_id, identity.secret_access_key, identity.session_token)
    SigV4Auth(keys, "aoss", "eu-west-1").add_auth(request)
    headers = dict(request.headers) | ({"x-amz-content-sha256": hashed} if hashed else {})
    with requests.Session() as client:
        client.trust_env = False
        return client.post(request.url, data=b"{}", headers=headers, verify=str(edge.ca_file), timeout=30)


@pytest.mark.parametrize("hashed", [None, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"])
def test_a_signature_that_does_not_cover_the_bodys_hash_is_refused_as_by_serverless(
    collection: Edge, prepared: Rig, hashed: str | None
) -> None:
    refused = post(collection, prepared.function_identity, hashed=hashed)
    assert (refused.status_code, refused.json()["error"]) == (403, {"reason": "403 Forbidden", "type": "Forbidden"})


def test_what_serverless_answers_counts_as_a_wrong_set_up() -> None:
    (request,) = pack([document_of("a", {"@timestamp": "2026-11-20T23:59:59.999Z"})], Index(INDEX), 10_000)
    (outcome,) = judge(
        request, BulkAnswer(403, {"status": 403, "error": {"reason": "403 Forbidden", "type": "Forbidden"}})
    )
    assert (outcome.verdict, outcome.reason) == (Verdict.MISCONFIGURED, "Forbidden: 403 Forbidden")
