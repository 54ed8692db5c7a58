"""Feed hundreds of thousands of broken records to everything that reads records.

    python -m tests.fuzz                       100,000 inputs for each reader, about three minutes on two cores
    python -m tests.fuzz --inputs 5000 --seed 7

An input is a real record of events/ or a piece of a format's grammar, cut, repeated, flipped and spliced with others.
The same seed gives the same inputs. Exit status 1 if a reader raised, broke a promise or was slow; the input is shown.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import orjson

from forwarder.documents import LONGEST_ID
from forwarder.formats.audit.reader import parse_audit
from forwarder.formats.klog import klog_values, parse_klog
from forwarder.formats.logfmt import logfmt_values, parse_logfmt
from forwarder.go_strings import ValueSpan, quote, unquote
from forwarder.pipeline import documents_of
from forwarder.redaction import MARK, default_redactor, redact
from forwarder.redaction.redactor import line_values
from forwarder.redaction.texts import is_json
from local.forwarding import EVENTS, subscription_message
from tests.mapping_rules import breaches
from tests.payloads import STREAMS, TIMESTAMP, batch

INPUTS = 100_000
SEED = 20_261_121
LONGEST_INPUT = 20_000
# Seconds of processor time for one input of at most LONGEST_INPUT characters; a linear reader needs about 0.01.
SLOW = 0.5
_SHOWN = 400
_MOST_EDITS = 4

KLOG_HEADER = 'I1120 09:12:31.123456       1 a.go:1] "m" '
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"

# Pieces of the formats, and what is special to one of the readers; joined, they are most of what can go wrong.
FRAGMENTS = (
    *('"', "\\", '\\"', "\\\\", "'", "{", "}", "[", "]", "(", ")", ",", ":", "=", " ", "\n", "\t", "\r", "\0", "\x7f"),
    *('{"', '":"', '":{', '":[', '"}', "[[", "{}", "[]", '""', "null", "true", "NaN", "-Infinity", "1e999", "-0"),
    *(
        "9" * 25,
        "9" * 400,
        "\\u0000",
        "\\ud800",
        "\\udfff\\ud800",
        "\\x41\\xff",
        "\\U00110000",
        "\\u12",
        "\u2028",
        "\ufffe",
    ),
    *(
        "é",
        "𝄞",
        "\u0661\u0661",
        " \u00a0 ",
        "a.b",
        "..",
        ".",
        "a=",
        'a="',
        "a=<\n\t",
        "\n >",
        "=<\n",
        "&{",
        "map[",
        " k=v",
    ),
    *(KLOG_HEADER, KLOG_HEADER[:-5], 'Trace[7]: "List" ', " s={a:b} ", ' pod="a/b"', " n=1", " >", "panic: ", "name: "),
    *(
        '{"level":"warn","ts":"',
        '{"level":"error","ts":1795165951.1,"msg":"',
        '"msg":"access denied","groups":["',
        "map[a:",
    ),
    *('time="2026-11-20T09:12:31Z" level=info msg="', ' role="arn:aws:iam::1:role/a"', "mapping IAM role", " ts=1e9"),
    *('{"ts":1,"msg":"', '"v":0', '"caller":"a.go:12345678901"', "level=info msg=", 'groups="[a b]"'),
    *('"managedFields":', '"annotations":{', '"status":', '"user":"', '"kind":"EventList","items":[', "[Truncated...]"),
    *('"resource":"secrets"', '"kind":"Secret"', '"kind":"SecretList"', '"data":{"a":"', '"stringData":{', '"data":'),
    *(
        '"token":"',
        '\\"token\\":\\"',
        "token=",
        'password="',
        "://u:p@",
        "Bearer ",
        "authorization: Basic ",
        JWT,
        "eyJ",
    ),
    *(
        "k8s-aws-v1.",
        "X-Amz-Signature=",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        MARK,
        "aws_secret",
    ),
    *(
        '"name":"DB_PASSWORD","value":',
        '"password":{',
        '"args":["--password",',
        "--password ",
        "mysql -pX ",
        "-p",
        "curl -u a:b ",
    ),
    *(
        "kind: Secret\ndata:\n  a: b\n",
        "password: |\n  x\n",
        "- name: TOKEN\n  value: x\n",
        "api_key: ",
        "?command=",
        "%3D%22",
    ),
    *(
        "map[password:",
        'Password:"',
        "@tcp(",
        '"kty":"EC","d":"',
        'apiKey="',
        " token={",
        " secret=<\n\tx\n >",
        "redis://:a@b ",
    ),
    *(
        "ghp_" + "a1" * 20,
        "AKIAIOSFODNN7EXAMPLE:",
        "<password>a</password>",
        '"auth":"YWRhOmFi"',
        "Cookie: a=b; ",
        "&password=a&",
    ),
    *(
        "password: !!str\n  a\n",
        "password: &a b\n  c\n",
        "? password\n: a\n",
        "requirepass a1\n",
        "login a password b ",
        "define('TOKEN','a')",
        "IDENTIFIED BY 'a' ",
        "PASSWORD 'a' ",
        "map[string][]byte{",
        'Data:map[a:[1 2] "b":[]byte("c")',
        '{\\"kind\\":\\"Secret\\",\\"data\\":{\\"a\\":\\"b\\"}}',
        "echo a:b | chpasswd\n",
        "vault kv put a b=c ",
        "TOKEN=$(cat f); PASS='a b' ./c ",
        '["sh","-c","',
        "#!/bin/sh\n",
        "password: Invalid value: ",
        "<key>token</key><value>",
        "token = <<EOF\n",
    ),
    *(
        '"containers":[{"image":',
        '"securityContext":',
        '"hostPath":',
        '"subjects":[',
        '"roleRef":{',
        '"rules":[{"verbs":',
    ),
)


@dataclass(frozen=True)
class Reader:
    """Something that reads records.

    Attributes:
        read: Gives it one input; returns what it promised and did not keep, in words.
        log_types: Whose records of events/ its inputs are made from.
    """

    read: Callable[[str], list[str]]
    log_types: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """What came of one reader's inputs; times in seconds of processor time, `faults` as input and fault."""

    name: str
    inputs: int
    seconds: float
    slowest: float
    slowest_input: str
    faults: tuple[tuple[str, str], ...]


@cache
def records(*log_types: str) -> tuple[str, ...]:
    """The records of events/ of these log types."""
    messages = [subscription_message(path.read_bytes()) for path in sorted(Path(EVENTS).glob("*.json"))]
    wanted = tuple(STREAMS[log_type].rpartition("-")[0] for log_type in log_types)
    chosen = [message for message in messages if message["logStream"].rpartition("-")[0] in wanted]
    return tuple(event["message"] for message in chosen for event in message["logEvents"])


def mutated(random: Random, text: str) -> str:
    """The text after a few random edits, at most LONGEST_INPUT characters of it."""
    for _ in range(random.randint(1, _MOST_EDITS)):
        start = random.randint(0, len(text))
        end = min(len(text), start + random.choice((0, 1, 1, 2, 8, 64, 1024)))
        text = random.choice(_EDITS)(random, text, start, end)[:LONGEST_INPUT]
    return text


def _cut(_: Random, text: str, start: int, end: int) -> str:
    return text[:start] + text[end:]


def _cut_off(_: Random, text: str, start: int, __: int) -> str:
    return text[:start]


def _repeat(random: Random, text: str, start: int, end: int) -> str:
    return text[:end] + text[start:end] * random.choice((1, 2, 30, 600)) + text[end:]


def _flip(random: Random, text: str, start: int, end: int) -> str:
    return (
        text[:start] + chr(random.choice((random.randrange(128), random.randrange(0xD800)))) + text[max(end, start) :]
    )


def _splice(random: Random, text: str, start: int, end: int) -> str:
    return text[:start] + random.choice(FRAGMENTS) * random.choice((1, 1, 1, 3, 200, 900)) + text[end:]


def _splice_many(random: Random, text: str, start: int, end: int) -> str:
    return text[:start] + "".join(random.choices(FRAGMENTS, k=random.randint(2, 12))) + text[end:]


_EDITS = (_cut, _cut_off, _repeat, _flip, _splice, _splice, _splice_many)


def inputs(reader: Reader, number: int, seed: int) -> Iterator[str]:
    """The inputs of a reader: mutated records, and for every fourth nothing but fragments."""
    random = Random(seed)  # noqa: S311 - repeatable inputs, no secrecy
    seeds = records(*reader.log_types)
    for position in range(number):
        yield mutated(random, "" if position % 4 == 0 else random.choice(seeds))


def broken_documents(record: str) -> list[str]:
    """What is wrong with the documents of a record that came by any log stream; nothing, it is hoped."""
    stream = tuple(STREAMS.values())[len(record) % len(STREAMS)]
    documents = list(documents_of(batch([record], stream)))
    faults = [fault for document in documents for fault in breaches(document.source)]
    faults += [f"_id of {document.document_id!r:.80}" for document in documents if not _is_id(document.document_id)]
    orjson.dumps([document.source for document in documents])
    return faults


def _is_id(document_id: str) -> bool:
    return 0 < len(document_id.encode()) <= LONGEST_ID


def broken_redaction(text: str) -> list[str]:
    """What redaction did to a text that it must not do."""
    once = redact(text)
    faults = []
    if once.found != (once.text != text):
        faults.append(f"found is {once.found}, yet the text {'changed' if once.text != text else 'did not change'}")
    if is_json(text) and once != default_redactor().redact_whole(text):
        faults.append("read as a whole, it is redacted otherwise")
    return faults + broken_json(text, once.text) + broken_line(text, once.text)


def broken_json(before: str, after: str) -> list[str]:
    """Where redacted JSON is no longer JSON, or differs in more than values."""
    try:
        whole = json.loads(before, object_pairs_hook=Members)
    except (ValueError, RecursionError):
        return []
    try:
        redacted = json.loads(after, object_pairs_hook=Members)
    except ValueError as error:
        return [f"was JSON, is none: {error}"]
    return [] if same_members(whole, redacted) else ["more than values differs"]


class Members(list[tuple[str, object]]):
    """The members of a JSON object in their order, repeated ones too."""


def same_members(whole: object, redacted: object) -> bool:
    """Whether two JSON values have the same members, and differ in values only where one is redacted."""
    if isinstance(whole, Members) and isinstance(redacted, Members):
        names = [name for name, _ in whole] == [name for name, _ in redacted]
        return names and all(same_members(old, new) for (_, old), (_, new) in zip(whole, redacted, strict=True))
    if isinstance(whole, list) and isinstance(redacted, list):
        return len(whole) == len(redacted) and all(map(same_members, whole, redacted))
    if isinstance(redacted, str) and MARK in redacted:
        return not isinstance(whole, list)
    return type(whole) is type(redacted) and (whole == redacted or whole != whole)  # noqa: PLR0124 - NaN is not itself


def broken_line(before: str, after: str) -> list[str]:
    """Where a redacted line of text has other keys, or other values where there is no secret."""
    if before.lstrip("\ufeff \t\r\n").startswith(("{", "[", '"')) or before == after:
        return []
    old, new = line_values(before), line_values(after)
    if after == f"{before[: old[0].start]}{MARK}":
        return []  # without its secret it would have been read as something else
    if [span.key for span in old] != [span.key for span in new]:
        return [f"other keys: {after!r:.400}"]
    values = [(before[a.start : a.end], after[b.start : b.end]) for a, b in zip(old, new, strict=True)]
    return [
        f"a value changed: {value!r:.80}" for value, redacted in values if value != redacted and MARK not in redacted
    ]


def _read_klog(text: str) -> list[str]:
    entry = parse_klog(text, TIMESTAMP)
    spans = klog_values(text)
    is_text = entry is not None and entry.thread is not None
    # Behind a value whose end is doubtful a quoted one is not believed.
    is_certain = all(span.quoted for span in spans[1:-1])
    faults = _misplaced(text, spans)
    if is_text and [*dict.fromkeys(span.key for span in spans[1:])] != [*(entry.fields if entry else ())]:
        faults.append("the values are not those of the fields")
    return faults + (_not_replaced(klog_values, text, spans) if is_text and is_certain else [])


def _read_logfmt(text: str) -> list[str]:
    spans = logfmt_values(text)
    faults = _misplaced(text, spans)
    return faults if parse_logfmt(text) is None else faults + _not_replaced(logfmt_values, text, spans)


def _misplaced(text: str, spans: list[ValueSpan]) -> list[str]:
    edges = [0, *(edge for span in spans for edge in (span.start, span.end)), len(text)]
    return [] if edges == sorted(edges) else [f"values at {edges!r:.200}"]


def _not_replaced(read: Callable[[str], list[ValueSpan]], text: str, spans: list[ValueSpan]) -> list[str]:
    """Whether one value cannot be replaced without changing another."""
    chosen = len(text) % len(spans)
    other = quote(text[:20])
    replaced = text[: spans[chosen].start] + other + text[spans[chosen].end :]
    before = [(span.key, text[span.start : span.end]) for span in spans]
    after = [(span.key, replaced[span.start : span.end]) for span in read(replaced)]
    return [] if after == [*before[:chosen], (before[chosen][0], other), *before[chosen + 1 :]] else ["values changed"]


def _read_audit(text: str) -> list[str]:
    parse_audit(text)
    return []


def _read_quoted(text: str) -> list[str]:
    unquote(f'"{text}"').encode()
    return []


_KLOG = ("api", "controllerManager", "scheduler")
READERS = {
    "klog": Reader(_read_klog, _KLOG),
    "logfmt": Reader(_read_logfmt, ("authenticator",)),
    "audit": Reader(_read_audit, ("audit",)),
    "go_strings": Reader(_read_quoted, (*_KLOG, "authenticator")),
    "redaction": Reader(broken_redaction, tuple(STREAMS)),
    "documents": Reader(broken_documents, tuple(STREAMS)),
}


def run(name: str, number: int, seed: int) -> Run:
    """Feed one reader."""
    started, slowest, slowest_input, faults = time.process_time(), 0.0, "", []
    for text in inputs(READERS[name], number, seed):
        before = time.process_time()
        faults += [(text, fault) for fault in _faults(READERS[name], text)]
        seconds = time.process_time() - before
        if seconds > slowest:
            slowest, slowest_input = seconds, text
    if slowest > SLOW:
        faults.append((slowest_input, f"took {slowest:.2f} s, more than {SLOW} s"))
    return Run(name, number, time.process_time() - started, slowest, slowest_input, tuple(faults))


def _faults(reader: Reader, text: str) -> list[str]:
    try:
        return reader.read(text)
    except Exception as error:  # noqa: BLE001 - whatever a reader raises is what is looked for
        return [f"raised {type(error).__name__}: {error}"]


def _tell(done: Run) -> None:
    print(  # noqa: T201 - a command line speaks on standard output
        f"{done.name:11} {done.inputs:7,} inputs {done.seconds:6.1f} s, slowest {done.slowest * 1000:6.1f} ms "
        f"({len(done.slowest_input):,} characters), faults {len(done.faults)}"
    )
    for text, fault in done.faults[:5]:
        print(f"  {fault[:_SHOWN]}\n    input: {text[:_SHOWN]!r}")  # noqa: T201 - as above


def main() -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(description="Feed broken records to everything that reads records.")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="for each reader")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"of {', '.join(READERS)}; all unless named")
    options = parser.parse_args()
    chosen = options.readers or list(READERS)
    with ProcessPoolExecutor() as pool:
        runs = [pool.submit(run, name, options.inputs, options.seed) for name in chosen]
        for one in runs:
            _tell(one.result())
    return 1 if any(one.result().faults for one in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
