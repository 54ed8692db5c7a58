"""Expected values are written from klog's format, not from what the parser gave."""

import time

import pytest

from forwarder.formats.klog import KlogEntry, parse_klog
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


# Each is a line whose words a client could have written; none of them is a pod, a node or an error.
FEIGNED = {
    "a trace": r'Trace[7]: "List" url:/api/v1/pods,user-agent:curl pod="a/b" node="n" err="e"',
    "a trace to its end": r'Trace[7]: "List" user-agent:curl pod="a/b" node="n" err="e" x= (total time: 5ms):',
    "a trace with a key as its first field": r'Trace[7]: "List" agent=curl pod="a/b" node="n" err="e"',
    "a trace of several lines": 'Trace[7]: "List" url:/a (5ms):\nTrace[7]: ---"x" pod="a/b" node="n" err="e"',
    "a message in free text": r'Handling client says: "Hello" pod="a/b" node="n" err="e"',
    "words behind the values": r'"Hello" pod="a/b" node="n" err="e" and more words',
    "words in front of the values": r'"Hello" from curl pod="a/b" node="n" err="e"',
    "a key with blanks": r'"Hello" user agent="curl" pod="a/b" node="n" err="e"',
    "a key that is a URL": r'"Hello" /api?x="curl" pod="a/b" node="n" err="e"',
    "brackets behind a value": r'"Hello" pod="a/b" node="n" err="e"} z=1',
    "an empty value": r'"Hello" pod="a/b" node="n" err="e" z= (5ms)',
    "a dump that is closed early": r'"Hello" s={Agent:curl} pod="a/b" node="n" err="e" z={ Items:[x]}',
    "a dump with another behind it": r'"Hello" s={Agent:curl} pod={a/b} node={n} err={e}',
    "a dump with words behind it": r'"Hello" s={Agent:curl} pod=a/b node=n err=e',
    "a dump with numbers behind it": r'"Hello" s={Agent:curl} pod=1 node=2 err=<nil>',
    "a dump with JSON behind it": r'"Hello" s={Agent:curl} pod=["a"] node={"a":"b"} err=null',
    "a dump that is not closed": r'"Hello" s={Agent:curl pod="a/b" node="n" err="e"',
    "a dump with a quote": r'"Hello" s={Agent:" pod="a/b" node="n" err="e" z="}',
    "a map": r'"Hello" s=map[User-Agent:[curl] pod="a/b" node="n" err="e" z:[1]]',
    "an unquoted word": r'"Hello" s=curl pod="a/b" node="n" err="e"',
    "an unquoted word and words": r'"Hello" s=curl pod=a/b node=n err=e',
    "an unquoted pod": r'"Hello" pod=a/b',
    "an unquoted node": r'"Hello" node=n',
    "an error in brackets": r'"Hello" err={e}',
    "no JSON": r'"Hello" s={"agent":"curl" pod="a/b" node="n" err="e"}',
    "text behind JSON": r'"Hello" s={"agent":"curl"}x pod="a/b" node="n" err="e"',
    "a quote in JSON": r'"Hello" s={"agent":"\\" pod=\\"a/b\\" node=\\"n\\" err=\\"e\\""}',
    "a string": r'"Hello" s="curl\" pod=\"a/b\" node=\"n\" err=\"e"',
    "a string that was cut off": r'"Hello" s="curl\" pod=\"a/b\" node=\"n\" err=\"e',
    "a string over two lines": '"Hello" s="curl\n" pod="a/b" node="n" err="e"',
    "a text of several lines": '"Hello" s=<\n\tcurl\n\t > pod="a/b" node="n" err="e"\n >',
    "a text of several lines without tabs": '"Hello" s=<\ncurl\n > pod="a/b" node="n" err="e"',
    "a text of several lines that was cut off": '"Hello" s=<\n\tcurl\n\tpod="a/b" node="n" err="e"',
    "a second line": '"Hello" s="curl"\n pod="a/b" node="n" err="e"',
    "a second line like a first": '"Hello" s="c"\nI1120 09:12:31.123456       1 a.go:1] "x" pod="a/b" node="n" err="e"',
    "a tab": '"Hello" s="curl"\tpod="a/b" node="n" err="e"',
    "the message": r'"Hello pod=\"a/b\" node=\"n\" err=\"e\""',
    "a message that is not closed": r'"Hello pod=a/b node=n err=e',
    "an audit event": r'{"kind":"Event","verb":"get"} "x" pod="a/b" node="n" err="e"',
    "JSON": r'{"msg":"Hello","v":0,"ts":1795165951123,"pod":"a/b","node":"n","err":"e"}',
}


@pytest.mark.parametrize("name", FEIGNED)
def test_what_a_client_wrote_is_no_field(name: str) -> None:
    fields = entry(f"I1120 09:12:31.123456       1 a.go:1] {FEIGNED[name]}").fields
    assert fields.keys() <= {"s"}


def test_what_stands_before_a_doubtful_value_is_kept() -> None:
    assert structured(' pod="a/b" s={A:x} node="n"') == {"pod": "a/b", "s": '{A:x} node="n"'}
    assert structured(' pod="a/b" s="cut') == {"pod": "a/b", "s": "cut"}
    assert structured(' pod="a/b" n=1 s=["cut') == {"pod": "a/b", "n": "1", "s": '["cut'}


@pytest.mark.parametrize(
    "value", ['{"a":{"b":"} x=\\" y"}}', '["a b","c=d"]', "[]", "{}", "null", "-1.5e-07", "true", "<nil>", '"\\u00e9"']
)
def test_keys_behind_what_klog_writes_today_are_read(value: str) -> None:
    assert structured(f' s={value} pod="a/b"')["pod"] == "a/b"


ZAP = '{"level":%s,"ts":%s,"logger":"etcd-client","caller":"v3/client.go:7","msg":"slow","error":"timeout"}'


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        *[
            ('"debug"', "INFO"),
            ('"info"', "INFO"),
            ('"warn"', "WARNING"),
            ('"WARNING"', "WARNING"),
            ('"Error"', "ERROR"),
        ],
        *[('"dpanic"', "FATAL"), ('"panic"', "FATAL"), ('"FATAL"', "FATAL"), ('"Level(-4)"', "INFO"), ("-2", "INFO")],
    ],
)
@pytest.mark.parametrize(
    "ts", ["1795165951.123", '"2026-11-20T09:12:31.123Z"', '"2026-11-20T11:12:31.123+0200"', "1795165951123000000"]
)
def test_json_of_zap(level: str, severity: str, ts: str) -> None:
    assert entry(ZAP % (level, ts)) == KlogEntry(
        severity=severity,
        message="slow",
        time="2026-11-20T09:12:31.123000Z",
        file="v3/client.go",
        line=7,
        fields={"logger": "etcd-client", "error": "timeout"},
    )


@pytest.mark.parametrize("ts", ["0", "1.5", '"1970-01-01T00:00:00Z"', '"soon"', "null", "true", "[]", "1e300"])
def test_a_time_far_from_the_records_own_is_left_out(ts: str) -> None:
    parsed = entry(ZAP % ('"error"', ts))
    assert (parsed.severity, parsed.message, parsed.time) == ("ERROR", "slow", None)


def test_a_header_of_another_day_has_no_time() -> None:
    assert entry("I0704 09:12:31.123456       1 a.go:1] x").time is None
    assert entry("I1110 09:12:31.123456       1 a.go:1] x").time == "2026-11-10T09:12:31.123456Z"


@pytest.mark.parametrize(
    ("record", "severity", "message"),
    [
        ('{"time":"2026-11-20T09:12:31Z","level":"WARN","msg":"slog","source":{"line":3}}', "WARNING", "slog"),
        ('{"severity":"error","timestamp":"2026-11-20T09:12:31Z","message":"other names"}', "ERROR", "other names"),
        ('{"level":"error","msg":"no time"}', "ERROR", "no time"),
        ('{"level":"error","ts":1795165951.123,"msg":"cut off","error":"rpc err', "ERROR", "cut off"),
        ('{"ts":1795165951123.0,"msg":"klog, cut off","v":0,"pod":{"name":"a","names', "INFO", "klog, cut off"),
    ],
)
def test_json_of_other_libraries_and_cut_off(record: str, severity: str, message: str) -> None:
    parsed = entry(record)
    assert (parsed.severity, parsed.message) == (severity, message)


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


@pytest.mark.timing
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_is_read_in_linear_time(name: str) -> None:
    started = time.process_time()
    parse_klog(HEADER + HOSTILE[name], TIMESTAMP)
    parse_klog('{"ts":1,"msg":' + HOSTILE[name], TIMESTAMP)
    assert time.process_time() - started < 5
