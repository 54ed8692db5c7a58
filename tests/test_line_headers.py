"""Lines of other loggers than a stream is known for: severity, identity and outcome are found whatever wrote them."""

import json
from typing import Any

import pytest

from forwarder.log_headers import line_severity
from forwarder.pipeline import documents_of
from tests.payloads import STREAMS, batch

ROLE = "arn:aws:iam::111122223333:role/Ops"
FRONTS = ["", " ", "    ", "\ufeff", "\ufeff ", " \ufeff", "\r\n", "\u200b", "\u00ef\u00bb\u00bf"]


def only(log_type: str, message: str) -> dict[str, Any]:
    (document,) = documents_of(batch([message], STREAMS.get(log_type, log_type)))
    return dict(document.source)


KLOG = 'E1120 09:12:31.123456       1 a.go:7] "Failed" pod="a/b" err="boom"'
GLOG = "E20261120 09:12:31.123456 140012345678912 reader.cc:7] boom"
ZAP = '{"level":"error","ts":1795165951.123,"logger":"etcd-client","msg":"lost"}'
LOGFMT = 'time="2026-11-20T09:12:31Z" level=error msg="could not sync"'


@pytest.mark.parametrize("log_type", STREAMS)
@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("line", [KLOG, GLOG, ZAP, LOGFMT])
def test_an_error_is_one_in_every_stream_whatever_stands_in_front(log_type: str, front: str, line: str) -> None:
    source = only(log_type, front + line)
    assert source["severity"] == "ERROR"
    assert "parse_error" not in source
    assert source["@message"] == front + line


@pytest.mark.parametrize("log_type", STREAMS)
@pytest.mark.parametrize("front", FRONTS)
def test_klog_behind_blanks_keeps_its_fields(log_type: str, front: str) -> None:
    klog = only(log_type, front + KLOG)["klog"]
    assert (klog["pod"], klog["err"], klog["time"]) == ("a/b", "boom", "2026-11-20T09:12:31.123456Z")


def test_glog_has_its_own_year() -> None:
    assert only("api", GLOG)["klog"]["time"] == "2026-11-20T09:12:31.123456Z"
    assert "time" not in only("api", GLOG.replace("2026", "2025", 1))["klog"]


LINES = [
    ('2026-11-20T09:12:31.123Z\tERROR\tetcd-client\tv3/retry.go:62\tretrying\t{"target": "x"}', "ERROR"),
    ("2026-11-20T09:12:31.123+0100\terror\tetcd-client\tretrying", "ERROR"),
    ("1.795165951123e+09\tWARN\tcontroller\tretrying", "WARNING"),
    ("1795165951.123\tdpanic\tcontroller\tretrying", "FATAL"),
    ("2026-11-20T09:12:31.123Z\t\x1b[31mERROR\x1b[0m\tetcd-client\tretrying", "ERROR"),
    ("ERROR\tsetup\tproblem", "ERROR"),
    ("ERRO[0000] could not sync", "ERROR"),
    ("\x1b[31mERRO\x1b[0m[2026-11-20T09:12:31Z] could not sync err=x", "ERROR"),
    ("WARN[0007] could not sync", "WARNING"),
    ("FATA[0007] could not begin", "FATAL"),
    ("PANI[0007] could not begin", "FATAL"),
    ("2026/11/20 09:12:31 ERROR could not sync err=x", "ERROR"),
    ("2026/11/20 09:12:31 WARN could not sync", "WARNING"),
    ("2026/11/20 09:12:31 [error] 1#1: connect() failed", "ERROR"),
    ("2026-11-20 09:12:31,123 ERROR root: could not sync", "ERROR"),
    ("2026-11-20 09:12:31,123 - my.module - ERROR - could not sync", "ERROR"),
    ("2026-11-20 09:12:31.123  WARN 1 --- [main] a.B: could not sync", "WARNING"),
    ("[2026-11-20 09:12:31.123][1][error][main] could not sync", "ERROR"),
    ("9:12AM ERR could not sync", "ERROR"),
    ("9:12AM FTL could not begin", "FATAL"),
    ("ERROR:root:could not sync", "ERROR"),
    ("[ERROR] plugin/errors: 2 a. A: timeout", "ERROR"),
    ("Error: unknown flag: --x", "ERROR"),
    ("error: could not begin", "ERROR"),
    ("Warning: v1 ComponentStatus is deprecated", "WARNING"),
    ("fatal: could not begin", "FATAL"),
    ("Fatal: could not begin", "FATAL"),
    ("CRITICAL: could not begin", "FATAL"),
    ("panic: boom", "FATAL"),
    ("2026/11/20 09:12:31 panic: boom", "FATAL"),
    ("fatal error: all goroutines are asleep - deadlock!", "FATAL"),
    ("fatal error: out of memory", "FATAL"),
    ("[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]", "FATAL"),
    ("SIGQUIT: quit", "FATAL"),
    ("SIGABRT: abort", "FATAL"),
    ("unexpected fault address 0x0", "FATAL"),
    ("runtime: goroutine stack exceeds 1000000000-byte limit", "FATAL"),
    ("runtime: out of memory: cannot allocate 1-byte block", "FATAL"),
    ("http: panic serving 10.0.0.1:1: runtime error: invalid memory address", "ERROR"),
    ("2026/11/20 09:12:31 http: panic serving 10.0.0.1:1: boom", "ERROR"),
    ("http2: panic serving 10.0.0.1:1: boom", "ERROR"),
    ("Observed a panic: runtime error", "ERROR"),
    ("Traceback (most recent call last):\n  File x", "ERROR"),
    ("INFO[0000] begun", "INFO"),
    ("2026-11-20T09:12:31.123Z\tINFO\tetcd-client\tbegun", "INFO"),
]
COMPONENTS = ["api", "controllerManager", "scheduler"]


@pytest.mark.parametrize(("line", "severity"), LINES)
def test_a_line_with_no_fields_has_a_severity(line: str, severity: str) -> None:
    assert {only(log_type, line)["severity"] for log_type in [*COMPONENTS, "authenticator"]} == {severity}
    assert {only("api", front + line)["severity"] for front in FRONTS} == {severity}


@pytest.mark.parametrize(("line", "severity"), [line for line in LINES if line[1] != "INFO"])
def test_in_the_audit_stream_too(line: str, severity: str) -> None:
    source = only("audit", line)
    assert source["severity"] == severity
    assert source["parse_error"].startswith("not a JSON document")


@pytest.mark.parametrize(
    "line",
    [
        "ERRORS were found",
        "Error handling is on",
        "errors: 0",
        "Warnings: 0",
        "the ERROR is none",
        "error",
        "panic:room",
        "signal SIGTERM received",
        "[signal] ERROR",
        "http: TLS handshake error from 10.0.0.1:1: EOF",
        "goroutine 1 [running]:",
        "\tERROR\tindented",
        "\tE1120 09:12:31.123456       1 a.go:7] indented",
        "key\terror\tvalue",
        "404 ERROR",
        "Flag --x has been deprecated",
        "",
        "\ufeff",
    ],
)
def test_other_lines_have_none(line: str) -> None:
    assert line_severity(line) is None
    assert only("api", line)["severity"] == "INFO"


@pytest.mark.parametrize("name", ["level", "lvl", "severity", "Level", "LEVEL", "@level", "log.level", "levelname"])
@pytest.mark.parametrize("message", ["msg", "message", "@message", "Message"])
@pytest.mark.parametrize("log_type", STREAMS)
def test_a_level_of_any_name_is_one(name: str, message: str, log_type: str) -> None:
    source = only(log_type, json.dumps({name: "error", message: "could not sync", "other": 1}))
    assert (source["severity"], source["message"].startswith("could not sync")) == ("ERROR", True)
    assert "parse_error" not in source


@pytest.mark.parametrize(
    ("level", "severity"), [(30, "INFO"), (40, "WARNING"), (50, "ERROR"), (60, "FATAL"), (3, "INFO")]
)
def test_levels_of_bunyan(level: int, severity: str) -> None:
    record = json.dumps({"name": "x", "level": level, "msg": "m", "time": "2026-11-20T09:12:31.123Z", "v": 0})
    assert only("api", record)["severity"] == severity


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize("message", ["msg", "message"])
@pytest.mark.parametrize("level", ["level", "severity", "lvl"])
def test_json_of_the_authenticator_with_other_names(front: str, message: str, level: str) -> None:
    record = json.dumps({level: "warning", message: "access denied", "arn": ROLE, "username": "ada"})
    source = only("authenticator", front + record)
    assert (source["severity"], source["outcome"], source["actor"]["iam_arn"]) == ("WARNING", "denied", ROLE)
    assert source["message"] == f"access denied: {ROLE} as ada"
    assert {"msg", "level"} <= source["authenticator"].keys()
    assert "parse_error" not in source


@pytest.mark.parametrize(("ts", "severity"), [(1795165951123.4, "ERROR"), (1795165951.1, "INFO")])
def test_klogs_json_of_the_authenticator_keeps_who_and_how(ts: float, severity: str) -> None:
    source = only("authenticator", json.dumps({"ts": ts, "msg": "access denied", "arn": ROLE}))
    assert (source["severity"], source["outcome"], source["actor"]["iam_arn"]) == (severity, "denied", ROLE)
    assert source["authenticator"]["arn"] == ROLE
    assert source["authenticator"]["time"].startswith("2026-11-20T09:12:31.1")


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("access denied", "denied"),
        ("Access denied", "denied"),
        ("ACCESS DENIED", "denied"),
        (" access denied ", "denied"),
        ("access denied: not mapped", "denied"),
        ("access denied.", "denied"),
        ("access granted", "allowed"),
        ("Access Granted!", "allowed"),
        ("access granted, as ada", "allowed"),
        ("no access denied", None),
        ("access denied_count", None),
        ("access denied-list was read", None),
        ("inaccess denied", None),
    ],
)
def test_the_outcome_is_read_however_it_is_written(message: str, outcome: str | None) -> None:
    for record in (
        json.dumps({"level": "info", "msg": message, "arn": ROLE}),
        f'time="2026-11-20T09:12:31Z" level=info msg={json.dumps(message)} arn="{ROLE}"',
    ):
        assert only("authenticator", record).get("outcome") == outcome


@pytest.mark.parametrize("front", FRONTS)
def test_logfmt_of_the_authenticator_behind_blanks(front: str) -> None:
    source = only("authenticator", f'{front}time="2026-11-20T09:12:31Z" level=warning msg="access denied" arn="{ROLE}"')
    assert (source["severity"], source["outcome"], source["actor"]["iam_arn"]) == ("WARNING", "denied", ROLE)


def test_an_arn_that_was_cut_off_has_no_quote() -> None:
    source = only("authenticator", 'level=info msg="access granted" arn="arn:aws:iam::123456789012:ro')
    assert source["actor"]["iam_arn"] == "arn:aws:iam::123456789012:ro"


@pytest.mark.parametrize(
    ("value", "field"),
    [('err="no such', "no such"), ('err="say \\"hi', 'say "hi'), ("err=<\n\tone\n\ttwo", "one\ntwo")],
)
def test_a_klog_value_that_was_cut_off_has_no_quote(value: str, field: str) -> None:
    assert only("api", f'E1120 09:12:31.123456       1 a.go:7] "Failed" {value}')["klog"]["err"] == field


def test_what_a_client_wrote_of_a_level_decides_nothing_in_audit_events() -> None:
    event = {"kind": "Event", "verb": "get", "level": "Metadata", "userAgent": '{"level":"error","msg":"x"}'}
    assert only("audit", json.dumps(event))["severity"] == "INFO"
    assert "klog" not in only("audit", json.dumps({**event, "auditID": "a", "message": "ERROR"}))


@pytest.mark.parametrize(
    ("time", "read"),
    [
        ("2026/11/20 09:12:31", "2026-11-20T09:12:31.000000Z"),
        ("2026-11-20 09:12:31,123", "2026-11-20T09:12:31.123000Z"),
        ("2026-11-20 09:12:31.123 +0000 UTC", "2026-11-20T09:12:31.123000Z"),
        ("2026-11-20 10:12:31.123 +0100 CET m=+0.012", "2026-11-20T09:12:31.123000Z"),
        ("2026-11-20 09:12:31 UTC", "2026-11-20T09:12:31.000000Z"),
        (-1795165951, None),
        ("-1795165951", None),
        (True, None),
    ],
)
def test_a_time_in_a_line_as_go_and_python_print_it(time: Any, read: str | None) -> None:
    assert only("api", json.dumps({"time": time, "level": "error", "msg": "x"}))["klog"].get("time") == read


@pytest.mark.parametrize("piece", [" ", "\ufeff", "\x1b[31m", "[", "1", "A", "ERROR ", "\t", "e+09", "2026-11-20 "])
def test_a_hostile_megabyte_is_looked_at_in_linear_time(piece: str) -> None:
    for log_type in STREAMS:
        only(log_type, piece * (1_000_000 // len(piece)))


def test_digits_of_other_scripts_are_no_number_of_json() -> None:
    source = only("api", '{"level":"error","msg":"x","ts":17951\u06f1,"a":1')
    assert (source["severity"], source["message"]) == ("ERROR", "x")
    assert "parse_error" not in source
