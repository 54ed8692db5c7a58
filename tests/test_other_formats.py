"""Records in a format that their log stream is not known for, with what each format means."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch

from forwarder.pipeline import documents_of
from local.rig import Rig
from tests.payloads import STREAMS, TIMESTAMP, answer, batch, envelope, lambda_event

INDEX = "eks-control-plane-logs-other-formats"

ROLE = "arn:aws:iam::111122223333:role/Ops"
UID = "aws-iam-authenticator:111122223333:AROAEXAMPLE"
COMPONENTS = ["api", "controllerManager", "scheduler", "kube-proxy-0123"]
NOT_AUDIT = [*COMPONENTS, "authenticator"]


def only(log_type: str, message: str) -> dict[str, Any]:
    (document,) = documents_of(batch([message], STREAMS.get(log_type, log_type)))
    return dict(document.source)


@pytest.mark.parametrize("log_type", NOT_AUDIT)
@pytest.mark.parametrize(("letter", "severity"), [("I", "INFO"), ("W", "WARNING"), ("E", "ERROR"), ("F", "FATAL")])
def test_klog_text_in_every_stream(log_type: str, letter: str, severity: str) -> None:
    source = only(log_type, f'{letter}1120 09:12:31.123456       1 a.go:7] "Failed" pod="a/b"')
    assert (source["severity"], source["message"]) == (severity, "Failed: pod=a/b")
    assert (source["klog"]["pod"], source["klog"]["time"]) == ("a/b", "2026-11-20T09:12:31.123456Z")
    assert source.keys().isdisjoint({"parse_error", "authenticator", "actor", "outcome"})


@pytest.mark.parametrize("log_type", NOT_AUDIT)
def test_klog_json_in_every_stream(log_type: str) -> None:
    source = only(log_type, '{"ts":1795165951123.4,"caller":"a.go:7","msg":"Failed","err":"no such host","logger":"x"}')
    assert (source["severity"], source["klog"]["err"]) == ("ERROR", "no such host")
    assert source["klog"]["fields"]["logger"] == "x"
    assert "parse_error" not in source


@pytest.mark.parametrize("log_type", COMPONENTS)
def test_zap_json_in_every_components_stream(log_type: str) -> None:
    source = only(log_type, '{"level":"error","ts":1795165951.123,"logger":"etcd-client","msg":"lost","attempt":3}')
    assert source["severity"] == "ERROR"
    assert source["klog"] == {
        "time": "2026-11-20T09:12:31.123000Z",
        "message": "lost",
        "fields": {"logger": "etcd-client", "attempt": "3"},
    }


@pytest.mark.parametrize("log_type", COMPONENTS)
@pytest.mark.parametrize(
    "record",
    [
        'time="2026-11-20T09:12:31Z" level=error msg="could not sync" err="a b"',
        'ts=1795165951.000 level=ERROR caller=a.go:7 msg="could not sync" err="a b"',
        'level=Error msg="could not sync" err="a b" time=2026-11-20T09:12:31.000Z',
    ],
)
def test_logfmt_in_every_components_stream(log_type: str, record: str) -> None:
    source = only(log_type, record)
    assert (source["severity"], source["message"]) == ("ERROR", "could not sync: err=a b")
    assert (source["klog"]["time"], source["klog"]["err"]) == ("2026-11-20T09:12:31.000000Z", "a b")


@pytest.mark.parametrize("log_type", COMPONENTS)
@pytest.mark.parametrize(
    "record",
    [
        "Flag --x has been deprecated, use --y",
        "2026/11/20 09:12:31 Running command:",
        'level="high" is not a level',
        "msg=nothing more",
        '{"message":"only this"}',
        '{"kind":"Status","code":403}',
        '["level","error"]',
        '\t{"level":"error","msg":"a line of a value of several lines"}',
        "\ttime=2026-11-20T09:12:31Z level=error msg=indented",
        "goroutine 1 [running]:",
    ],
)
def test_other_lines_stay_as_they_are(log_type: str, record: str) -> None:
    source = only(log_type, record)
    assert (source["severity"], source["message"]) == ("INFO", record.strip())
    assert "klog" not in source


@pytest.mark.parametrize("log_type", NOT_AUDIT)
@pytest.mark.parametrize("blanks", ["", " ", "\t", "  \t"])
@pytest.mark.parametrize("crash", ["panic: boom", "fatal error: concurrent map writes", "panic: "])
def test_a_crash_is_fatal_however_it_is_indented(log_type: str, blanks: str, crash: str) -> None:
    source = only(log_type, f"{blanks}{crash}\n\ngoroutine 1 [running]:\nmain.main()")
    assert (source["severity"], source["message"]) == ("FATAL", crash.strip())


@pytest.mark.parametrize("record", ["do not panic: all is well", "\tpanicking: no", "panic:room", "panic in words"])
def test_words_about_a_crash_are_none(record: str) -> None:
    assert only("api", record)["severity"] == "INFO"


def authenticator_json(**members: Any) -> dict[str, Any]:
    line = {"time": "2026-11-20T09:12:31Z", "level": "info", "msg": "access granted", **members}
    return only("authenticator", json.dumps({name: value for name, value in line.items() if value is not None}))


@pytest.mark.parametrize(
    ("level", "message", "severity", "outcome"),
    [
        ("info", "access granted", "INFO", "allowed"),
        ("warning", "access denied", "WARNING", "denied"),
        ("error", "could not parse request body", "ERROR", None),
        ("fatal", "failed to build mapper chain", "FATAL", None),
    ],
)
def test_json_of_the_authenticator(level: str, message: str, severity: str, outcome: str | None) -> None:
    source = authenticator_json(level=level, msg=message, arn=ROLE, client="127.0.0.1:1")
    assert (source["severity"], source.get("outcome")) == (severity, outcome)
    assert source["authenticator"]["arn"] == source["actor"]["iam_arn"] == ROLE
    assert "parse_error" not in source


def test_json_and_logfmt_of_the_authenticator_say_the_same() -> None:
    logfmt = (
        f'time="2026-11-20T09:12:31Z" level=info msg="access granted" arn="{ROLE}" client="127.0.0.1:1" '
        f'groups="[system:masters ops]" uid="{UID}" username=kubernetes-admin'
    )
    json_source = authenticator_json(
        arn=ROLE, client="127.0.0.1:1", groups=["system:masters", "ops"], uid=UID, username="kubernetes-admin"
    )
    own = {"@message", "record_bytes"}
    logfmt_source = only("authenticator", logfmt)
    assert {n: v for n, v in json_source.items() if n not in own} == {
        n: v for n, v in logfmt_source.items() if n not in own
    }


def test_a_line_of_the_authenticator_that_was_cut_off_keeps_what_it_says() -> None:
    for record in (
        f'{{"arn":"{ROLE}","level":"warning","msg":"access denied","error":"identity is no',
        f'time="2026-11-20T09:12:31Z" level=warning msg="access denied" arn="{ROLE}" error="username=forged is no',
    ):
        source = only("authenticator", record)
        assert (source["severity"], source["outcome"], source["actor"]["iam_arn"]) == ("WARNING", "denied", ROLE)
        assert "username" not in source["actor"]


@pytest.mark.parametrize(
    ("written", "groups"),
    [
        ('"[]"', None),
        ("[]", None),
        ('""', None),
        ("", None),
        ('"[system:masters]"', ["system:masters"]),
        ('"[system:bootstrappers system:nodes]"', ["system:bootstrappers", "system:nodes"]),
        (r'"[\"two words\" ops]"', ["two words", "ops"]),
        ('"[team[a] ops]"', ["team[a]", "ops"]),
        ('"[[a]]"', ["[a]"]),
        ("ops", ["ops"]),
    ],
)
def test_groups_of_logfmt(written: str, groups: list[str] | None) -> None:
    line = f'time="2026-11-20T09:12:31Z" level=info msg="access granted" arn="{ROLE}" groups={written} username=ada'
    source = only("authenticator", line)
    assert source["authenticator"].get("groups") == source["actor"].get("groups") == groups


@pytest.mark.parametrize(
    ("written", "groups"), [([], None), (None, None), (["two words", "[]"], ["two words", "[]"]), ("[a b]", ["a", "b"])]
)
def test_groups_of_json(written: Any, groups: list[str] | None) -> None:
    source = authenticator_json(arn=ROLE, groups=written)
    assert source["authenticator"].get("groups") == source["actor"].get("groups") == groups


@pytest.mark.parametrize(
    ("message", "member", "arn"),
    [
        ("mapping IAM role", "role", ROLE),
        ("mapping IAM user", "user", "arn:aws:iam::111122223333:user/ci"),
        ("Mapping IAM Role", "role", ROLE),
    ],
)
def test_a_mapping_is_found_by_its_arn_and_nobody_acts(message: str, member: str, arn: str) -> None:
    line = f'time="2026-11-20T09:12:31Z" level=info msg="{message}" groups="[]" {member}="{arn}" username=ada'
    for source in (
        only("authenticator", line),
        authenticator_json(msg=message, groups=[], username="ada", **{member: arn}),
    ):
        assert source["authenticator"]["arn"] == source["authenticator"][member] == arn
        assert source["message"] == f"{message}: {arn} as ada"
        assert source.keys().isdisjoint({"actor", "outcome"})


def test_a_mapped_account_is_found_by_its_number() -> None:
    line = 'time="2026-11-20T09:12:31Z" level=info msg="mapping IAM Account" accountID=111122223333'
    for source in (
        only("authenticator", line),
        authenticator_json(msg="mapping IAM Account", accountID="111122223333"),
    ):
        assert source["authenticator"]["accountid"] == "111122223333"
        assert source.keys().isdisjoint({"actor", "outcome"})


@pytest.mark.parametrize("name", ["aws-iam-authenticator", "heptio-authenticator-aws"])
def test_a_uid_names_account_and_principal(name: str) -> None:
    uid = f"{name}:111122223333:AROAEXAMPLE"
    line = f'time="2026-11-20T09:12:31Z" level=info msg="access granted" uid="{uid}" username=ada'
    for source in (only("authenticator", line), authenticator_json(uid=uid, username="ada")):
        assert (source["actor"]["iam_account"], source["actor"]["iam_principal"]) == ("111122223333", "AROAEXAMPLE")


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ('"2026-11-20T09:12:31Z"', "2026-11-20T09:12:31Z"),
        ('"2026-11-20 09:12:31"', "2026-11-20T09:12:31.000000Z"),
        ("1795165951", "2026-11-20T09:12:31.000000Z"),
        ("1795165951123", "2026-11-20T09:12:31.123000Z"),
        ('"1970-01-01T00:00:00Z"', None),
        ("0", None),
        ("never", None),
    ],
)
def test_the_authenticators_time_is_checked(written: str, time: str | None) -> None:
    source = only("authenticator", f"time={written} level=info msg=hello")
    assert source["authenticator"].get("time") == time
    assert source["message"] == "hello"


@pytest.mark.parametrize(
    "record",
    ['Authenticator Version: "unversioned", ""', "{}", '{"level":"info"}', "[1]", "{", '{"message":"only this"}'],
)
def test_what_the_authenticator_does_not_write_says_so(record: str) -> None:
    source = only("authenticator", record)
    assert (source["severity"], source["message"]) == ("INFO", record)
    assert source["parse_error"] == "not a logfmt line with a msg"


STORED = {
    "zap": ("api", '{"level":"warn","ts":1795165951.1,"logger":"etcd-client","msg":"retrying"}'),
    "logger": ("controllerManager", 'I1120 09:12:31.123456       1 a.go:1] "Synced" logger="job-controller" job="a/b"'),
    "prefix": ("scheduler", 'I1120 09:12:31.123456       1 a.go:1] Filter/VolumeBinding: "Not bound" pod="a/b"'),
    "trace": (
        "api",
        'I1120 09:12:31.123456       1 trace.go:1] Trace[1]: "List" user-agent:x pod="a/b" node="n" err="e"',
    ),
    "mapping": (
        "authenticator",
        f'time="2026-11-20T09:12:31Z" level=info msg="mapping IAM role" groups="[]" role="{ROLE}" username=ada',
    ),
    "denied": (
        "authenticator",
        f'{{"level":"warning","msg":"access denied","time":"2026-11-20T09:12:31Z","arn":"{ROLE}"}}',
    ),
    "client-go": ("authenticator", 'E1120 09:12:31.123456       1 reflector.go:1] "Failed to watch" err="timeout"'),
}


@pytest.fixture(scope="module")
def stored(prepared: Rig, server: OpenSearch) -> Iterator[OpenSearch]:
    """The server, with all of them in one index."""
    with prepared.lambda_runtime({"INDEX_NAME": INDEX}) as function:
        for name, (log_type, record) in STORED.items():
            events = [{"id": name, "timestamp": TIMESTAMP, "message": record}]
            invocation = function.invoke(lambda_event(envelope([], STREAMS[log_type], logEvents=events)))
            assert invocation.payload == answer(1, 1)
    server.indices.refresh(index=INDEX)
    yield server
    server.indices.delete(index=INDEX)


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("klog.fields.logger", "etcd-client", {"zap"}),
        ("klog.fields.logger", "job-controller", {"logger"}),
        ("klog.prefix", "Filter/VolumeBinding", {"prefix"}),
        ("klog.pod", "a/b", {"prefix"}),
        ("klog.time", "2026-11-20T09:12:31.100Z", {"zap"}),
        ("authenticator.arn", ROLE, {"mapping", "denied"}),
        ("actor.iam_arn", ROLE, {"denied"}),
        ("outcome", "denied", {"denied"}),
        ("severity", "WARNING", {"zap", "denied"}),
        ("severity", "ERROR", {"client-go"}),
    ],
)
def test_they_are_found_in_opensearch(stored: OpenSearch, field: str, value: str, found: set[str]) -> None:
    hits = stored.search(index=INDEX, body={"query": {"term": {field: value}}})["hits"]["hits"]
    assert {hit["_id"] for hit in hits} == found
