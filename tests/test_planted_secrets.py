"""Secrets planted in records of every format are found nowhere: not in the index, not in the function's own log."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from opensearchpy import OpenSearch

from forwarder.redaction import redact
from local.rig import Rig
from tests.payloads import STREAMS, TIMESTAMP, envelope, lambda_event

INDEX = "eks-control-plane-logs-secrets"
P = "pLaNtEd"  # is part of every secret, and of nothing else
JWT = f"eyJhbGciOiJSUzI1NiJ9.eyJ{P}c3ViIjoiYSJ9.{P}c2lnbmF0dXJl"
SECRET = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "s"}}
DATA = {"user-name": f"{P}MQ==", "password-file": f"{P}Mg=="}
# Whatever a password may hold: Go's JSON escapes the first three, any JSON the others.
ODD = f'a&b<c>d"e\\f{P}'
GO_ESCAPES = str.maketrans({"&": r"\u0026", "<": r"\u003c", ">": r"\u003e"})
ADD_KEY = {"op": "add", "path": "/data/k", "value": P}
ADD_DATA = {"op": "add", "path": "/data", "value": {"k": P}}
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def audit(resource: str = "pods", request: Any = None, response: Any = None, **more: Any) -> str:
    event = {
        "kind": "Event",
        "level": "RequestResponse",
        "verb": "create",
        "objectRef": {"resource": resource, "namespace": "default", "name": "kept-name"},
        "responseStatus": {"code": 201},
        "requestObject": request,
        "responseObject": response,
        **more,
    }
    return json.dumps(event, separators=(",", ":")).translate(GO_ESCAPES)


def webhook_patch(change: dict[str, Any]) -> dict[str, str]:
    """The annotation that tells what a mutating webhook changed (k8s.io/apiserver, plugin/webhook/mutating)."""
    patch = {"configuration": "c", "webhook": "w.example.com", "patch": [change], "patchType": "JSONPatch"}
    return {"patch.webhook.admission.k8s.io/round_0_index_0": json.dumps(patch, separators=(",", ":"))}


def klog(text: str) -> str:
    return f"I1120 09:12:31.123456       1 a.go:1] {text}"


AUDIT = {
    "secret-data": audit("secrets", {**SECRET, "data": DATA}),
    "secret-string-data": audit("secrets", {**SECRET, "stringData": {"config": f'{{"a":"{P} }}{{"}}', "b": P}}),
    "secret-response": audit("secrets", None, {**SECRET, "data": DATA}),
    "secret-list": audit("secrets", None, {"kind": "SecretList", "items": [{"data": DATA}, {"data": DATA}]}),
    "list-of-secrets": audit("things", {"kind": "List", "items": [{**SECRET, "data": DATA}]}),
    "secret-merge-patch": audit("secrets", {"data": {"k": P}}, verb="patch"),
    "secret-json-patch": audit("secrets", [{"op": "replace", "path": "/data/k", "value": P}], verb="patch"),
    "secret-json-patch-object": audit("secrets", [{"op": "add", "path": "/data", "value": {"k": P}}], verb="patch"),
    "secret-json-patch-list": audit("secrets", [{"op": "add", "path": "/data/k", "value": [P]}], verb="patch"),
    "secret-json-patch-whole": audit(
        "secrets", [{"op": "replace", "path": "", "value": {"data": DATA, "kind": "Secret"}}], verb="patch"
    ),
    "secret-nested": audit("secrets", {**SECRET, "data": {"a": {"x": "y"}, "b": P}}),
    "secret-webhook-patch": audit("secrets", SECRET, annotations=webhook_patch(ADD_KEY)),
    "secret-webhook-patch-object": audit("secrets", SECRET, annotations=webhook_patch(ADD_DATA)),
    "event-list": '{"kind":"EventList","items":[' + audit("secrets", {**SECRET, "data": DATA}),
    "last-applied": audit(
        "secrets", {**SECRET, "metadata": {"annotations": {LAST_APPLIED: json.dumps({"data": DATA, **SECRET})}}}
    ),
    "embedded": audit("configmaps", {"data": {"manifest": json.dumps({**SECRET, "stringData": {"k": P}})}}),
    "token-review": audit("tokenreviews", {"kind": "TokenReview", "spec": {"token": f"{P}opaque"}}),
    "token-request": audit("serviceaccounts", None, {"kind": "TokenRequest", "status": {"token": JWT}}),
    "jwt-encoded": audit(requestURI=f"/x?then=https%3A%2F%2Fa%3Fjwt%3D{JWT}"),
    "jwt-in-brackets": audit(request={"m": f"<{JWT}>"}),
    "jwt-anywhere": audit(request={"spec": {"args": [f"--id={JWT}"]}}),
    "bearer-in-agent": audit(userAgent=f"curl Bearer {P}0123456789"),
    "authorization": audit(request={"headers": {"Authorization": [f"Basic {P}OnB3"]}}),
    "token-in-uri": audit(requestURI=f"/api/v1/pods?access_token={P}&watch=true"),
    "name-in-name": audit(requestObject={"client_secret_access_key": P}),
    "bearer-in-uri": audit(requestURI=f"/x?h=Bearer%20{P}0123456789"),
    "token-with-bearer": audit(requestURI="/x", userAgent=f"token=Bearer {P}0123456789"),
    "presigned-later": audit(requestURI=f"/x?X-Amz-Date=a&X-Amz-Signature={P}00ff&X-Amz-Security-Token={P}%2Babc"),
    "presigned": audit(requestURI=f"/x?X-Amz-Signature={P}00ff&X-Amz-Security-Token={P}%2Babc"),
    "eks-token": audit(request={"note": f"k8s-aws-v1.aHR0cHM6Ly9{P}_-x"}),
    "pem": audit(request={"key": f"-----BEGIN RSA PRIVATE KEY-----\n{P}\nMIIE+/=\n-----END RSA PRIVATE KEY-----\n"}),
    "url-password": audit(request={"dsn": f"postgres://ada:{P}@db.example.com/app"}),
    "url-odd-password": audit(request={"dsn": f"postgres://ada:a&b<{P}@db.example.com/app"}),
    "environment-odd": audit(request={"spec": {"env": [{"name": "DB_PASSWORD", "value": ODD}]}}),
    "argument-quoted": audit(request={"args": [f"--password='{P}'", f'--token="a {P}"']}),
    "nested-odd": audit("configmaps", {"data": {"c": json.dumps({"clientSecret": ODD, "password": ODD})}}),
    "environment": audit(
        request={"spec": {"env": [{"name": "DB_PASSWORD", "value": P}, {"name": "A", "value": "kept"}]}}
    ),
    "nested-json": audit("configmaps", {"data": {"c": json.dumps({"clientSecret": P, "password": f"{P} 2"})}}),
    "nested-twice": audit("configmaps", {"data": {"c": json.dumps({"d": json.dumps({"token": P})})}}),
    "yaml": audit(
        "configmaps", {"data": {"c": f"users:\n- user:\n    token: {P}0123456789\n    client-key-data: {P}LS0tLS1=\n"}}
    ),
    "cut-in-data": audit("secrets", {**SECRET, "data": DATA})[:-60] + "[Truncated...]",
    "cut-in-string": audit("secrets", {**SECRET, "stringData": {"k": f"{P}{P}"}}).partition(f"{P}{P}")[0] + P,
    "broken": '{"objectRef":{"resource":"secrets"},,"data":{"k":"' + P + '"}',
}
LINES = {
    "api": {
        "klog-pair": klog(f'"Got it" token="{P} x" password={P}'),
        "klog-jwt": klog(f"Unable to authenticate: {JWT}"),
        "klog-json": json.dumps(
            {"ts": 1, "v": 0, "msg": f'sent {{"token":"{P}"}}', "headers": f"Authorization: Bearer {P}"}
        ),
        "klog-quoted-in-quoted": klog(f'"Log in with password=\\"a {P}\\"" err="token=\\"a {P}\\""'),
        "klog-single-quoted": klog(f"connecting with password='{P}'"),
        "plain": f"Authorization: Bearer {P}",
        "flags": f"Args: kube-apiserver,--token={P},--secure-port=6443",
    },
    "authenticator": {
        "logfmt-token": f'level=info msg="bad token k8s-aws-v1.{P}" token={P}',
        "logfmt-url": f'level=error msg="Get \\"https://sts.amazonaws.com/?X-Amz-Signature={P}\\": EOF"',
        "no-logfmt": f"Bearer {P}0123456789 was refused",
    },
    "kube-proxy-1": {"unknown": f"password={P}"},
}
KEPT = {
    "kept-klog-secret": klog('"Mounted" secret="default/my-credentials" err="invalid bearer token, try again"'),
    "kept-expired": klog('"Unable to authenticate" err="[invalid bearer token, service account token has expired]"'),
    "kept-refresh": klog('failed to refresh token: Post "https://sts.eu-west-1.amazonaws.com/": i/o timeout'),
    "kept-flag": klog("--authentication-token-webhook-config-file=/etc/kubernetes/kubeconfig"),
}
KEPT_AUDIT = {
    "kept-names": audit("configmaps", {"data": {"plain": "a value"}}, None, requestURI="/api?continue=abc&limit=5"),
    "kept-legacy-token": audit(
        annotations={
            "authentication.k8s.io/legacy-token": "system:serviceaccount:default:build",
            "authentication.k8s.io/stale-token": "subject: system:serviceaccount:a:b, seconds after threshold: 123",
        }
    ),
    "kept-secret-key-ref": audit(
        request={"env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]}
    ),
    "kept-projection": audit(
        request={"volumes": [{"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]}
    ),
}


@dataclass(frozen=True)
class Kept:
    """What became of all of them."""

    sources: dict[str, dict[str, Any]]
    log: str


@pytest.fixture(scope="module")
def kept(prepared: Rig, server: OpenSearch) -> Iterator[Kept]:
    log = ""
    with prepared.lambda_runtime({"INDEX_NAME": INDEX, "LOG_LEVEL": "DEBUG"}) as function:
        for log_type, records in {**LINES, "audit": AUDIT | KEPT_AUDIT, "scheduler": KEPT}.items():
            events = [{"id": name, "timestamp": TIMESTAMP, "message": record} for name, record in records.items()]
            stream = STREAMS.get(log_type, log_type)
            invocation = function.invoke(lambda_event(envelope([], stream, logEvents=events)))
            assert invocation.payload["stored"] == len(records)
            log += invocation.log
    server.indices.refresh(index=INDEX)
    hits = server.search(index=INDEX, body={"size": 1_000})["hits"]["hits"]
    yield Kept({hit["_id"]: hit["_source"] for hit in hits}, log)
    server.indices.delete(index=INDEX)


SECRETS = [*AUDIT, *(name for records in LINES.values() for name in records)]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_nowhere_in_its_document(kept: Kept, name: str) -> None:
    # Of a list of events, the first.
    source = kept.sources.get(name) or kept.sources[f"{name}-0"]
    assert P not in json.dumps(source)
    assert source["redacted"] is True
    assert "(redacted)" in source["@message"]


def test_every_record_had_a_secret_in_it() -> None:
    records = AUDIT | {name: record for some in LINES.values() for name, record in some.items()}
    assert [name for name, record in records.items() if P not in record] == []


def test_no_secret_is_in_the_functions_own_log(kept: Kept) -> None:
    assert '"DEBUG"' in kept.log or "batch delivered" in kept.log
    assert P not in kept.log


def test_no_secret_is_in_what_a_failure_says(prepared: Rig) -> None:
    wrong = dataclasses.replace(prepared.function_identity, secret_access_key="not-it")  # noqa: S106 - not one
    events = [{"id": name, "timestamp": TIMESTAMP, "message": record} for name, record in AUDIT.items()]
    with prepared.lambda_runtime({"INDEX_NAME": INDEX, "LOG_LEVEL": "DEBUG"}, identity=wrong) as function:
        invocation = function.invoke(lambda_event(envelope([], STREAMS["audit"], logEvents=events)))
    assert invocation.error is not None
    assert P not in json.dumps(invocation.payload)
    assert P not in invocation.log


# Before an "@" or a digit has come, nothing tells that these are secrets.
KNOWN_BY_WHAT_FOLLOWS = {"url-password", "url-odd-password", "yaml", "bearer-in-agent"}


@pytest.mark.parametrize("name", sorted(AUDIT.keys() - KNOWN_BY_WHAT_FOLLOWS))
def test_a_secret_stays_out_wherever_its_record_is_cut(name: str) -> None:
    record = AUDIT[name]
    leaks = [end for end in range(len(record)) if P in redact(record[:end] + "[Truncated...]").text]
    assert leaks == []


def test_names_stay(kept: Kept) -> None:
    assert kept.sources["secret-data"]["requestObject"]["data"] == dict.fromkeys(DATA, "(redacted)")
    assert kept.sources["secret-data"]["objectRef"]["name"] == "kept-name"
    assert kept.sources["environment"]["requestObject"]["spec"]["env"][1] == {"name": "A", "value": "kept"}
    assert "secure-port=6443" in kept.sources["flags"]["@message"]


@pytest.mark.parametrize("name", [*KEPT, *KEPT_AUDIT])
def test_what_is_no_secret_stays_as_it_is(kept: Kept, name: str) -> None:
    assert kept.sources[name]["@message"] == (KEPT | KEPT_AUDIT)[name]
    assert "redacted" not in kept.sources[name]
