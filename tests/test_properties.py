"""What holds for any input, tried on many: written from the formats' definitions."""

import gc
import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forwarder.formats.audit.reader import AuditReader, parse_audit
from forwarder.formats.klog import klog_values, parse_klog
from forwarder.formats.logfmt import logfmt_values, parse_logfmt
from forwarder.go_strings import ValueSpan, quote, read_text, unquote
from forwarder.pipeline import documents_of
from forwarder.redaction import redact
from forwarder.subscription import read_subscription
from local.forwarding import EVENTS, subscription_message
from tests.fuzz import FRAGMENTS, INPUTS, READERS, SEED, broken_documents, broken_redaction, run
from tests.payloads import STREAMS, TIMESTAMP, batch, envelope, lambda_event

REPEATABLE = settings(derandomize=True, deadline=None, max_examples=200)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
# JSON without what Python alone writes.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_./-]{0,20}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("plain words", '"plain words"'),
        ('"\\', r'"\"\\"'),
        ("\a\b\f\n\r\t\v", r'"\a\b\f\n\r\t\v"'),
        ("\0\x7f", r'"\x00\x7f"'),
        ("\x80\u00a0\u2028\ufeff", r'"\u0080\u00a0\u2028\ufeff"'),
        ("é☺\ufffd", '"é☺\ufffd"'),
        ("\U0001f600\U000e0001", '"\U0001f600' + r'\U000e0001"'),
        ("'", '"\'"'),
    ],
)
def test_strings_are_quoted_as_go_does(text: str, quoted: str) -> None:
    """The right values were printed by Go's strconv.Quote."""
    assert quote(text) == quoted


@REPEATABLE
@given(TEXT)
def test_what_go_quotes_is_unquoted(text: str) -> None:
    assert unquote(quote(text)) == text


@REPEATABLE
@given(TEXT, st.dictionaries(NAMES, TEXT, max_size=5))
def test_what_klog_writes_is_read(message: str, fields: dict[str, str]) -> None:
    pairs = "".join(f" {name}={quote(value)}" for name, value in fields.items())
    entry = parse_klog(f"W1120 09:12:31.123456     123 a.go:7] {quote(message)}{pairs}", TIMESTAMP)
    assert entry is not None
    assert (entry.severity, entry.message, entry.fields) == ("WARNING", message, fields)


def klog_value(value: Any) -> str:
    """A value as klog's keyvalues.go writes it: of several lines between `<` and `>`, anything but text as JSON."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    lines = value.removesuffix("\n").split("\n")
    return "<\n" + "".join(f"\t{line}\n" for line in lines) + " >" if "\n" in value else quote(value)


@REPEATABLE
@given(st.dictionaries(NAMES, TEXT | st.text('\n\t =>"<x', max_size=12) | JSON, max_size=4))
def test_lines_and_json_that_klog_writes_are_read(fields: dict[str, Any]) -> None:
    pairs = "".join(f" {name}={klog_value(value)}" for name, value in fields.items())
    entry = parse_klog(f'I1120 09:12:31.123456       1 a.go:1] "m"{pairs}\n', TIMESTAMP)
    assert entry is not None
    # klog does not tell whether a text of several lines ended in one more line break.
    assert entry.fields == {
        name: value.removesuffix("\n") if isinstance(value, str) else klog_value(value)
        for name, value in fields.items()
    }


@REPEATABLE
@given(st.dictionaries(NAMES, TEXT, min_size=1, max_size=6))
def test_what_logrus_writes_is_read(pairs: dict[str, str]) -> None:
    safe = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/@^+")
    line = " ".join(f"{name}={value if set(value) <= safe else quote(value)}" for name, value in pairs.items())
    assert parse_logfmt(line) == pairs


KLOG_HEADER = "I1120 09:12:31.123456       1 a.go:1] "
LOG_TEXT = st.lists(st.sampled_from(FRAGMENTS) | TEXT, max_size=12).map("".join)
KLOG_VALUES = st.dictionaries(NAMES, TEXT | st.text('\n\t =>"<x', max_size=12) | JSON, max_size=4)


def values_of(record: str, spans: list[ValueSpan]) -> list[tuple[str, str]]:
    texts = [(span, record[span.start : span.end]) for span in spans]
    return [(span.key, read_text(text) if span.key or span.quoted else text) for span, text in texts]


def assert_each_value_can_be_replaced(read: Callable[[str], list[ValueSpan]], record: str, other: str) -> None:
    spans = read(record)
    before = values_of(record, spans)
    for position, span in enumerate(spans):
        replaced = record[: span.start] + quote(other) + record[span.end :]
        after = values_of(replaced, read(replaced))
        assert after == [*before[:position], (span.key, other), *before[position + 1 :]]


def assert_in_order(spans: list[ValueSpan], length: int) -> None:
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= length


@REPEATABLE
@given(TEXT, KLOG_VALUES, st.sampled_from(["", " last=&{A:1 B:x y=z}", " last={cut", ' last="cut', " last=word"]), TEXT)
def test_each_value_of_klog_text_can_be_replaced(message: str, fields: dict[str, Any], last: str, other: str) -> None:
    pairs = "".join(f" {name}={klog_value(value)}" for name, value in fields.items())
    record = f"{KLOG_HEADER}{quote(message)}{pairs}{last}\n"
    assert len(klog_values(record)) == 1 + len(fields) + bool(last)
    assert_each_value_can_be_replaced(klog_values, record, other)


@REPEATABLE
@given(LOG_TEXT, TEXT, st.sampled_from(["", KLOG_HEADER, f'{KLOG_HEADER}"m" ', f'{KLOG_HEADER}"m" a="1" ']))
def test_the_values_of_any_text_are_those_that_become_fields(text: str, other: str, header: str) -> None:
    record = header + text
    spans = klog_values(record)
    assert_in_order(spans, len(record))
    entry = parse_klog(record, TIMESTAMP)
    if entry is not None and header:
        lines = {span.key for span in spans if record.startswith("<\n", span.start)}
        read = dict(values_of(record, spans[1:]))
        assert entry.fields.keys() == read.keys()
        assert {key: value for key, value in entry.fields.items() if key not in lines}.items() <= read.items()
    doubtful = [span for span in spans[1:] if not span.quoted]
    if entry is not None and (not doubtful or doubtful[0] is spans[-1]):
        assert_each_value_can_be_replaced(klog_values, record, other)


@REPEATABLE
@given(LOG_TEXT, TEXT, st.sampled_from(["", "level=info ", 'level=info msg="a b" ']))
def test_the_values_of_any_line_are_those_of_its_pairs(text: str, other: str, beginning: str) -> None:
    line = beginning + text
    spans = logfmt_values(line)
    assert_in_order(spans, len(line))
    pairs = parse_logfmt(line)
    if pairs is not None:
        assert pairs == dict(values_of(line, spans))
        assert_each_value_can_be_replaced(logfmt_values, line, other)


@REPEATABLE
@given(st.lists(TEXT, max_size=5))
def test_what_cloudwatch_logs_sends_is_read(messages: list[str]) -> None:
    event = lambda_event(envelope(messages, STREAMS["api"]))
    assert [record.message for record in read_subscription(event, 10**7).events] == messages


@REPEATABLE
@given(st.text(max_size=200))
def test_any_text_is_read_and_fits_the_mapping(text: str) -> None:
    record = text.encode("utf-8", "replace").decode()
    assert broken_documents(record) == []
    assert broken_redaction(record) == []


AUDIT_EVENTS = [
    record["message"]
    for record in subscription_message((EVENTS / "audit.json").read_bytes())["logEvents"]
    if "[Truncated" not in record["message"]
]


def is_beginning(part: Any, whole: Any, name: str = "") -> bool:
    """Whether it is the same but for what is missing at the end, at every depth of the bodies."""
    if part == whole:
        return True
    if isinstance(part, dict) and isinstance(whole, dict):
        if name == "" and not all(part[one] == whole.get(one) for one in part.keys() - BODIES - TEXTS_OF_CLIENTS):
            return False
        return all(one in whole and is_beginning(part[one], whole[one], one) for one in part)
    if isinstance(part, str) and isinstance(whole, str) and name in TEXTS_OF_CLIENTS:
        return whole.startswith(part.removesuffix("\ufffd"))
    if isinstance(part, list) and isinstance(whole, list) and name:
        return len(part) <= len(whole) and all(map(is_beginning, part, whole, [name] * len(part)))
    return False


BODIES = {"requestObject", "responseObject"}
TEXTS_OF_CLIENTS = {"requestURI", "userAgent"}


def as_they_stand(fields: dict[str, Any], text: str) -> dict[str, Any]:
    """The fields without what the path alone told of an object that was cut off."""
    return {name: value for name, value in fields.items() if name != "objectRef" or '"objectRef":' in text}


def leaves(value: Any) -> int:
    """How many scalars there are."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if inner is None else sum(map(leaves, inner))


@REPEATABLE
@given(
    st.sampled_from(AUDIT_EVENTS), st.floats(0, 1), st.sampled_from(["", "[Truncated...]", "\\", '\\u00"', "\ufffd"])
)
def test_a_cut_event_keeps_complete_members_with_equal_values(record: str, where: float, mark: str) -> None:
    whole = parse_audit(record).fields
    text = record[: int(where * (len(record) - 1))]
    cut = parse_audit(text + mark)
    assert is_beginning(as_they_stand(cut.fields, text), whole)
    assert cut.is_truncated is bool(cut.fields)


MEMBERS = st.sampled_from(
    [
        *("kind", "auditID", "verb", "user", "objectRef", "responseStatus", "annotations", "requestURI", "sourceIPs"),
        *("requestObject", "responseObject", "requestReceivedTimestamp", "stageTimestamp", "unknown"),
    ]
)


@REPEATABLE
@given(st.dictionaries(MEMBERS, JSON, min_size=1), st.floats(0, 1), st.sampled_from(["", "[Truncated...]", "\\"]))
def test_a_cut_event_of_any_shape_keeps_complete_members(event: dict[str, Any], where: float, mark: str) -> None:
    record = json.dumps(event)
    text = record[: int(where * (len(record) - 1))]
    cut = parse_audit(text + mark)
    assert is_beginning(as_they_stand(cut.fields, text), parse_audit(record).fields)


def assert_read_alike(record: str) -> None:
    """Another member that is no JSON of Kubernetes makes the reader take its way for what is not as it should be."""
    usual, unusual = parse_audit(record), parse_audit(f'{record[:-1]},"unknown":NaN}}')
    assert unusual.fields == usual.fields


@pytest.mark.parametrize("record", AUDIT_EVENTS)
def test_an_event_is_the_same_read_as_kubernetes_types_it_and_read_leniently(record: str) -> None:
    assert_read_alike(record)


@REPEATABLE
@given(st.dictionaries(MEMBERS, JSON, min_size=1))
def test_an_event_of_any_shape_is_the_same_read_in_both_ways(event: dict[str, Any]) -> None:
    assert_read_alike(json.dumps(event))


@REPEATABLE
@given(st.lists(st.sampled_from(AUDIT_EVENTS), max_size=5), st.sampled_from(AUDIT_EVENTS))
def test_what_was_read_before_changes_no_event(before: list[str], record: str) -> None:
    reader = AuditReader()
    for other in before:
        reader.read(other)
    assert reader.read(record).fields == parse_audit(record).fields


@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_a_cut_event_of_any_depth_is_read(opened: str) -> None:
    closed = {"[": "]"}.get(opened, "}")
    for depth in (100, 300, 500, 700, 900, 985, 1_000, 1_100, 10_000):
        record = f'{{"verb":"get","requestObject":{opened * depth}1{closed * depth},"user":'
        assert parse_audit(record).fields["verb"] == "get"
        assert broken_documents(record) == []


@REPEATABLE
@given(JSON | st.dictionaries(st.sampled_from(["token", "data", "value", "kind", "password", "env"]), JSON))
@example({"a": "token=", "b": "c"})
def test_redacted_json_is_json_however_it_is_laid_out(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1), f" {json.dumps(value)}", f"\n{json.dumps(value)}"):
        assert broken_redaction(text) == []


def test_every_cut_of_one_event_at_every_byte() -> None:
    record = AUDIT_EVENTS[20].encode()
    whole = parse_audit(record.decode()).fields
    known = 0
    for end in range(len(record)):
        text = record[:end].decode("utf-8", "replace")
        fields = as_they_stand(parse_audit(text).fields, text)
        assert is_beginning(fields, whole), end
        assert leaves(fields) >= known, "what stood before the cut is not forgotten by a later cut"
        known = leaves(fields)
    assert known == leaves(whole)


@pytest.mark.parametrize("name", READERS)
def test_broken_records_break_no_reader(name: str) -> None:
    done = run(name, INPUTS // 100, SEED)
    assert done.inputs == INPUTS // 100
    assert done.faults == ()


PIECES = (
    *(" a={b}", ' a={"b":1}', " a=b", ' a="b"', " a=1", ' a={"b":', " a=map[b", " a=&{b:[", 'a="\\', '"a" ', "a: "),
    *('"', "\\", '\\"', "[", "{", '{"', '{"a":', "(", "a=[ ", "a=b ", 'a="', "a=<\n", " ", "\n", "=", ":"),
    *(
        "eyJ",
        "eyJaaaaaaa.",
        "Bearer ",
        "bearer a1",
        "token=",
        'token="',
        '"token":"',
        '\\"token\\":\\"',
        "password: a1",
    ),
    *(
        "-----BEGIN PRIVATE KEY-----",
        "://a:",
        "://a:b@",
        '"name":"token',
        "authorization: ",
        "k8s-aws-v1.",
        "X-Amz-Signature=",
    ),
    *(
        '{"kty":"EC","d":"x"},',
        '[{"name":"TOKEN","value":"x"}],',
        "&token=",
        '{\\"a\\":{',
        "password: a\n  ",
        "a: !!str\n",
    ),
    *('map[string][]byte{"a":', "PASSWORD 'x' ", "('token', 'a'), ", "vault write a=b ", "echo a | chpasswd\n"),
    *('variable "token" {\n', "token=<<E\n", '"token=$(', "login a password b ", "<key>token</key><value>"),
    *('"kind":"Secret","data":{', '"kind":"Secret","data":{"a":"', '"resource":"secrets","value":"'),
)
KLOG = 'I1120 09:12:31.123456       1 a.go:1] "m" '


def write_documents(text: str, log_type: str = "audit") -> bytes:
    return orjson.dumps([document.source for document in documents_of(batch([text], STREAMS[log_type]))])


LINEAR: dict[str, Callable[[str], Any]] = {
    "klog": lambda text: parse_klog(KLOG + text, TIMESTAMP),
    "klog JSON": lambda text: parse_klog('{"ts":1,"msg":"x","a":' + text, TIMESTAMP),
    "klog values": lambda text: klog_values(KLOG[:-1] + text),
    "zap": lambda text: parse_klog('{"level":"warn","ts":"' + text, TIMESTAMP),
    "logfmt": lambda text: parse_logfmt("level=info " + text),
    "logfmt groups": lambda text: write_documents(f"level=info msg=x groups={quote(text)}", "authenticator"),
    "audit": lambda text: parse_audit('{"kind":"Event","requestObject":' + text),
    "go_strings": lambda text: unquote(f'"{text}"'),
    "redaction": redact,
    "documents": write_documents,
}


@pytest.fixture
def collecting_as_the_function() -> Iterator[None]:
    """Garbage is collected as in the function (see execution_environment.py), where nothing of pytest is looked at."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000)
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.mark.timing
@pytest.mark.usefixtures("collecting_as_the_function")
@pytest.mark.parametrize("reader", LINEAR)
def test_a_megabyte_of_anything_takes_under_a_second(reader: str) -> None:
    slow = []
    for piece in PIECES:
        text = piece * (1_000_000 // len(piece))
        # A neighbour on the machine only slows down: one run of two in time is enough.
        if all(seconds_of(LINEAR[reader], text) > 1 for _ in range(2)):
            slow.append(piece)
    assert slow == []


@pytest.mark.timing
@pytest.mark.parametrize("reader", LINEAR)
def test_twice_the_text_takes_twice_the_time(reader: str) -> None:
    """Of several runs the shortest counts, and runs go on while it could still be noise: neighbours only slow down."""
    for piece in PIECES:
        texts = [piece * (size // len(piece)) for size in (100_000, 200_000)]
        shortest = [math.inf, math.inf]
        for _ in range(MOST_RUNS):
            shortest = [min(best, seconds_of(LINEAR[reader], text)) for best, text in zip(shortest, texts, strict=True)]
            if shortest[1] < max(SHORTEST, 2.6 * shortest[0]):
                break
        else:
            pytest.fail(f"{piece!r}: {shortest} s")


MOST_RUNS = 12
# Below this the clock and the allocator are measured, not the reader.
SHORTEST = 0.004


def seconds_of(read: Callable[[str], Any], text: str) -> float:
    started = time.process_time()
    read(text)
    return time.process_time() - started


def test_the_samples_hold_what_these_tests_need() -> None:
    assert len(AUDIT_EVENTS) > 50
    assert all(isinstance(json.loads(record), dict) for record in AUDIT_EVENTS)
