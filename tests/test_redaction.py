"""Redaction: what is a secret goes, what is none stays, and nothing else changes."""

import json
import re
from typing import Any

import pytest

from forwarder.pipeline import documents_of
from forwarder.redaction import MARK, Redactor, default_redactor, redact
from forwarder.redaction.literals import Literals, spellings
from forwarder.redaction.names import Names, Telling
from tests.payloads import STREAMS, batch
from tests.planted import Planted, event, harmless, klog, planted

PLANTED, HARMLESS = list(planted()), list(harmless())


@pytest.mark.parametrize("one", PLANTED, ids=lambda one: one.name)
def test_a_planted_secret_goes_and_its_neighbours_stay(one: Planted) -> None:
    text = redact(one.record).text
    assert [secret for secret in one.secrets if secret in text] == []
    assert [kept for kept in one.kept if kept not in text] == []


@pytest.mark.parametrize("one", HARMLESS, ids=lambda one: one.name)
def test_what_is_no_secret_stays(one: Planted) -> None:
    assert redact(one.record).text == one.record


@pytest.mark.parametrize("one", [*PLANTED, *HARMLESS], ids=lambda one: one.name)
def test_the_quick_look_and_the_whole_reading_agree(one: Planted) -> None:
    assert redact(one.record) == default_redactor().redact_whole(one.record)


@pytest.mark.parametrize("one", PLANTED, ids=lambda one: one.name)
def test_what_is_redacted_stays_as_it_is(one: Planted) -> None:
    text = redact(one.record).text
    assert redact(text).text == text


# What a client can write into a record that the API server makes: it stays in its own string.
HOSTILE = '"name":"token","value":'
HOSTILE_EVENTS: dict[str, dict[str, Any]] = {
    "request URI": {"requestURI": f"/api/v1/namespaces/prod/pods/db?{HOSTILE}"},
    "user agent": {"userAgent": f"x {HOSTILE}"},
    "impersonated name": {"impersonatedUser": {"username": HOSTILE}},
    "annotation": {"annotations": {"a": HOSTILE, "authorization.k8s.io/decision": "allow"}},
    "begins like JSON": {"userAgent": '{"password":'},
    "ends with a name": {"userAgent": "token="},
    "a quote and a name": {"userAgent": '"token":"'},
    "begins a key": {"requestURI": "/x?a=-----BEGIN PRIVATE KEY-----"},
    "begins an address": {"userAgent": "x://a:b"},
}


@pytest.mark.parametrize("name", HOSTILE_EVENTS)
def test_no_client_hides_what_it_does(name: str) -> None:
    record = event(verb="delete", **HOSTILE_EVENTS[name])
    (document,) = documents_of(batch([record], STREAMS["audit"]))
    source = document.source
    assert (source["verb"], source["outcome"], source["auditID"]) == (
        "delete",
        "allowed",
        json.loads(record)["auditID"],
    )
    assert source["objectRef"] == {"resource": "pods", "namespace": "shop", "name": "cart"}
    assert isinstance(source["actor"], dict)
    assert source["actor"]["username"] == "ada"
    assert "parse_error" not in source


LOOKS_LIKE_ONE = "glpat-a1b2c3d4e5f6g7h8i9j0"


def test_nobody_hides_behind_a_name_that_looks_like_a_token() -> None:
    names = {
        "user": {
            "username": f"ops:{LOOKS_LIKE_ONE}",
            "extra": {"sessionName": [LOOKS_LIKE_ONE], "arn": [f"arn:aws:sts::1:assumed-role/a/{LOOKS_LIKE_ONE}"]},
        },
        "impersonatedUser": {"username": LOOKS_LIKE_ONE},
        "objectRef": {"resource": "pods", "namespace": LOOKS_LIKE_ONE, "name": LOOKS_LIKE_ONE},
        "requestObject": {
            "kind": "Pod",
            "metadata": {"name": LOOKS_LIKE_ONE},
            "spec": {"containers": [{"name": "a", "image": f"r/{LOOKS_LIKE_ONE}:1"}]},
        },
    }
    assert redact(event(**names)).text == event(**names)
    who = f'arn="arn:aws:sts::1:assumed-role/a/{LOOKS_LIKE_ONE}" username="{LOOKS_LIKE_ONE}" session={LOOKS_LIKE_ONE}'
    line = f'level=info msg="access granted" {who}'
    assert redact(line).text == line
    assert LOOKS_LIKE_ONE not in redact(event({"spec": {"args": [f"--a={LOOKS_LIKE_ONE}"]}})).text


def test_of_a_patch_only_the_path_tells() -> None:
    change = {
        "key": "token",
        "op": "add",
        "path": "/spec/containers/-",
        "value": {"image": "evil.io/miner", "cap": ["SYS_ADMIN"]},
    }
    assert not redact(event([change])).found
    for path in ("/spec/apiToken", "/data/DB_PASSWORD", "/stringData/password"):
        assert "Sommer-Regen7!" not in redact(event([{"op": "add", "path": path, "value": "Sommer-Regen7!"}])).text
    assert not redact(event([{"op": "add", "path": "/data/host", "value": "a"}])).found


@pytest.mark.parametrize("ending", ["token=", "password=", 'token=\\"', "Authorization: Basic ", "apiKey: "])
def test_a_value_swallows_no_field_behind_it(ending: str) -> None:
    (document,) = documents_of(batch([klog(f'"Done" a="x {ending}" pod="shop/cart" node="n1"')], STREAMS["api"]))
    block = document.source["klog"]
    assert isinstance(block, dict)
    assert (block["pod"], block["node"]) == ("shop/cart", "n1")
    line = f'level=info msg="access granted" arn="arn:aws:sts::1:assumed-role/a/{ending}" username="ada" client="c"'
    (document,) = documents_of(batch([line], STREAMS["authenticator"]))
    assert document.source["outcome"] == "allowed"
    assert document.source["@message"] == line


@pytest.mark.parametrize(
    ("value", "redacted"),
    [
        (48151623, MARK),
        (1.5, MARK),
        ("x", MARK),
        (["x", 5], [MARK, MARK]),
        ({"a": "x", "name": "kept"}, {"a": MARK, "name": "kept"}),
        ("", ""),
        (None, None),
        (True, True),
        ([], []),
        ({}, {}),
    ],
)
def test_a_secret_of_any_type(value: Any, redacted: Any) -> None:
    text = redact(json.dumps({"spec": {"password": value}, "kept": 1}))
    assert json.loads(text.text) == {"spec": {"password": redacted}, "kept": 1}
    assert text.found is (value != redacted)


def test_an_empty_token_is_no_secret() -> None:
    assert not redact(event(None, {"kind": "TokenRequest", "status": {"token": ""}})).found


@pytest.mark.parametrize("name", [name for one in ("api key", "db password", "auth token") for name in spellings(one)])
def test_a_name_tells_in_every_spelling(name: str) -> None:
    if " " not in name:
        assert Names().telling(name) is Telling.YES
        assert Literals().found([name + '"'])[0]


def test_the_operators_own_names_and_patterns() -> None:
    redactor = Redactor(("customer-id",), (re.compile(r"ACME-\d{6}"),))
    for record in (
        event({"spec": {"customerId": "a-7"}}),
        event({"metadata": {"annotations": {"PRIMARY_CUSTOMER_ID": "a-7"}}}),
        event({"data": {"a.env": "CUSTOMER_ID=a-7\n"}}),
        klog('"Done" customerID="a-7" pod="a/b"'),
        event(userAgent="x ACME-123456"),
        klog('"Done" err="for ACME-123456"'),
    ):
        (redacted,) = redactor.redact_each([record])
        assert redacted.found
        assert "a-7" not in redacted.text
        assert "ACME-1" not in redacted.text
        assert not redact(record).found
