"""Expected values are written from klog's format, not from what the parser gave."""

import time

import pytest

from forwarder.parsers.klog import KlogEntry, parse_klog
from tests.payloads import TIMESTAMP

NEW_YEAR_2026 = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def entry(text: str, timestamp: int = TIMESTAMP) -> KlogEntry:
    parsed = parse_klog(text, timestamp)
    assert parsed is not None
    return parsed


def structured(values: str) -> dict[str, str]:
    return entry(f'I1120 09:12:31.123456       1 a.go:1] "Message"{values}').fields


def test_free_text() -> None:
    text = 'W1120 09:12:31.123456      11 authorization.go:194] Forbidden: "/api/v1/pods", Reason: ""'
    assert entry(text) == KlogEntry(
        severity="WARNING",
        message='Forbidden: "/api/v1/pods", Reason: ""',
        time="2026-11-20T09:12:31.123456Z",
        thread="11",
        file="authorization.go",
        line=194,
    )


def test_structured_with_a_loggers_prefix() -> None:
    text = 'I1120 09:12:31.123456  801139 binder.go:730] PreFilter/VolumeBinding: "PVC is not bound" pod="shop/cart-0"'
    parsed = entry(text)
    assert (parsed.prefix, parsed.message, parsed.fields) == (
        "PreFilter/VolumeBinding",
        "PVC is not bound",
        {"pod": "shop/cart-0"},
    )


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        (' a="1" b="two words"', {"a": "1", "b": "two words"}),
        (r' err="open \"x\": no\tsuch\nfile"', {"err": 'open "x": no\tsuch\nfile'}),
        (" n=549755813888000 t=true e=<nil>", {"n": "549755813888000", "t": "true", "e": "<nil>"}),
        (' empty="" after=1', {"empty": "", "after": "1"}),
        (
            " status=&{code:2 reasons:[0/1 nodes are available: 1 x=y.] err:<nil> failedPlugin:} n=1",
            {"status": "&{code:2 reasons:[0/1 nodes are available: 1 x=y.] err:<nil> failedPlugin:}", "n": "1"},
        ),
        (' gates=["A","B]"] c="d"', {"gates": '["A","B]"]', "c": "d"}),
        (" m=map[a:1 b:map[c:2]] z=1", {"m": "map[a:1 b:map[c:2]]", "z": "1"}),
        (' app.kubernetes.io/name="x" default/claim="y"', {"app.kubernetes.io/name": "x", "default/claim": "y"}),
        (" text=<\n\tfirst\n\tsecond\n > next=1", {"text": "first\nsecond", "next": "1"}),
        (" unclosed={a b=1", {"unclosed": "{a b=1"}),
        (' a="1" a="2"', {"a": "2"}),
        (' utf="h\\u00e9\\xff"', {"utf": "h\u00e9\ufffd"}),
    ],
)
def test_key_values(values: str, fields: dict[str, str]) -> None:
    assert structured(values) == fields


def test_a_quoted_word_in_free_text_is_no_structured_message() -> None:
    text = 'I1120 09:12:31.123456       1 pv.go:1] "claim" entered phase Bound'
    assert (entry(text).message, entry(text).fields) == ('"claim" entered phase Bound', {})


@pytest.mark.parametrize(
    ("record", "severity"),
    [
        ('{"ts":1795165951123.4567,"caller":"app/server.go:76","msg":"Started\\n","v":0,"pod":"a/b"}', "INFO"),
        (
            '{"ts":1795165951123.4567,"caller":"app/server.go:76","msg":"Started","pod":{"name":"b","namespace":"a"}}',
            "ERROR",
        ),
    ],
)
def test_json(record: str, severity: str) -> None:
    assert entry(record) == KlogEntry(
        severity=severity,
        message="Started",
        time="2026-11-20T09:12:31.123457Z",
        file="app/server.go",
        line=76,
        fields={"pod": "a/b"},
    )


@pytest.mark.parametrize(
    ("header", "expected"),
    [("1231 23:59:59.900000", "2025-12-31T23:59:59.900000Z"), ("0101 00:00:00.100000", "2026-01-01T00:00:00.100000Z")],
)
def test_the_year_is_the_one_nearest_to_the_record(header: str, expected: str) -> None:
    assert entry(f"I{header}       1 a.go:1] x", NEW_YEAR_2026).time == expected
    assert entry(f"I{header}       1 a.go:1] x", NEW_YEAR_2026 - 50).time == expected


def test_a_day_that_does_not_exist_has_no_time() -> None:
    assert entry("I1332 09:12:31.123456       1 a.go:1] x").time is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "2026/11/20 09:12:31 Running command:",
        "goroutine 12 [running]:",
        "\t/usr/local/go/src/runtime/panic.go:884 +0x212",
        "Command env: (log-file=, also-stdout=false)",
        '{"not": "klog"}',
        "{broken",
        "[]",
        "I1120 no header",
    ],
)
def test_other_lines_are_no_entries(line: str) -> None:
    assert parse_klog(line, TIMESTAMP) is None


HEADER = 'I1120 09:12:31.123456       1 a.go:1] "m" '
HOSTILE = {
    "quotes": '"' * 10**6,
    "escapes": 'a={"' + '\\"' * 500_000,
    "opening brackets": "a=" + "[" * 10**6,
    "unclosed values": "a=[ " * 250_000,
    "closed too late": "a=[ " * 100_000 + "]" * 100_000 + "x",
    "spaces": " " * 10**6,
    "pairs": "a=b " * 250_000,
    "backslashes": "\\" * 10**6,
    "unclosed lines": "a=<\n " * 200_000,
    "escaped quotes": 'a="\\" ' * 200_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_is_read_in_linear_time(name: str) -> None:
    started = time.process_time()
    parse_klog(HEADER + HOSTILE[name], TIMESTAMP)
    parse_klog('{"ts":1,"msg":' + HOSTILE[name], TIMESTAMP)
    assert time.process_time() - started < 5
