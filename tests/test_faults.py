"""Whatever breaks between the function and its servers: each record is in one place then, and the log says why."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from local.fault_run import Row, Whereabouts, run_fault
from local.fault_table import judge
from local.faults import FAULTS, Fault
from local.rig import Rig
from local.s3 import S3Server


@dataclass(frozen=True)
class End:
    """Where the records are to be, after how many invocations, and what an operator is to read."""

    stored: int = 60
    dead_letters: int = 0
    kept: int = 0
    invocations: int = 1
    words: tuple[str, ...] = ()


AGAIN = "pushed back: some requests were sent again"
KEEPS = "Lambda keeps the event"
KEPT_WHOLE = {"stored": 0, "kept": 60, "invocations": 3}
RESET = "no answer: no connection: ConnectionError"
ENDS = {
    "none": End(words=("batch delivered (stored 60)",)),
    "429-whole-request": End(words=(AGAIN, "429: rejected_execution_exception")),
    "429-with-retry-after": End(words=(AGAIN, "429: rejected_execution_exception", "paused_seconds 2.0")),
    "429-some-items": End(words=(AGAIN, "429: rejected_execution_exception", "queue capacity = 1", "stored 60")),
    "503": End(words=(AGAIN, "503: Service Unavailable")),
    "503-for-good-after-2": End(20, 0, 40, 3, ("later (503): Service Unavailable", KEEPS)),
    "refused-at-first": End(words=(AGAIN, "no connection", "Connection refused")),
    "refused-for-good": End(**KEPT_WHOLE, words=("no connection", "Connection refused", "security groups", KEEPS)),
    "reset-before-the-bulk": End(words=(AGAIN, RESET, "stored 60")),
    "reset-after-the-bulk": End(words=(AGAIN, RESET, "duplicate ")),
    "hang": End(words=(AGAIN, "no answer within 1 s", "stored 50, duplicate 10")),
    "slow-drip": End(words=(AGAIN, "no whole answer in time", "duplicate ")),
    "truncated-answer": End(words=(AGAIN, "IncompleteRead", "duplicate ")),
    "answer-not-json": End(words=(AGAIN, "200: the answer is not that of the bulk API", "OPENSEARCH_ENDPOINT")),
    "413-above-1-mb": End(21, 1, words=("kept as dead letters in S3", "slim 1")),
    "403-role-not-mapped": End(**KEPT_WHOLE, words=("set-up (403): security_exception: no permissions", "eks-logs")),
    "403-signature-expired": End(words=(AGAIN, "403: Signature expired")),
    "shard-limit-at-first": End(words=(AGAIN, "400: validation_exception", "shards open", "stored 60")),
    "closed-at-first": End(words=(AGAIN, "400: index_closed_exception: closed", "stored 60")),
    "shard-limit-of-the-request": End(words=(AGAIN, "400: validation_exception", "maximum shards open", "stored 60")),
    "disk-full-at-first": End(words=(AGAIN, "cluster_block_exception", "disk usage exceeded", "stored 60")),
    "403-throttled": End(words=(AGAIN, "403: Rate exceeded", "stored 60")),
    "400-not-active": End(words=(AGAIN, "400: Collection is not active", "stored 60")),
    "429-no-memory": End(words=(AGAIN, "429: circuit_breaking_exception: [parent] Data too large", "stored 60")),
    "403-key-lost": End(**KEPT_WHOLE, words=("set-up (403): KMSKeyInaccessible", "aws kms enable-key")),
    "405": End(**KEPT_WHOLE, words=("set-up (405): HTTP 405: 405 Not Allowed", "Something else than OpenSearch")),
    "pipeline-gone": End(
        **KEPT_WHOLE, words=("pipeline with id [corp-audit] does not exist", "index.default_pipeline")
    ),
    "pipeline-fails": End(
        **KEPT_WHOLE,
        words=("field [corp] not present", "processor rename of pipeline", "corp-audit", "GET _ingest/pipeline"),
    ),
    "no-auto-creation": End(
        **KEPT_WHOLE, words=("set-up (404): index_not_found_exception: no such index", "action.auto_create_index")
    ),
    "alias-without-write-index": End(
        **KEPT_WHOLE, words=("set-up (400): illegal_argument_exception: no write index", "is_write_index")
    ),
    "early-hints": End(words=("batch delivered (stored 60)",)),
    "second-answer": End(words=("stored 60",)),
    "errors-false-lies": End(words=(AGAIN, "429: rejected_execution_exception", "stored 60")),
    "429-huge-retry-after": End(invocations=2, words=("(429): rejected_execution_exception", "Then: batch delivered")),
    "poison-and-s3-hangs": End(50, 0, 10, 3, ("could not be kept in s3://", "Lambda keeps the event")),
    "read-only-at-first": End(words=(AGAIN, "403: cluster_block_exception", "index write")),
    "read-only-for-good": End(**KEPT_WHOLE, words=("later (403): cluster_block_exception", "index write", KEEPS)),
    "poison-documents": End(50, 10, words=("OpenSearch refuses some documents", "dead letters in S3", "slim 10")),
    "poison-and-s3-refuses": End(50, 0, 10, 3, ("could not be kept in s3://no-such-bucket/", "NoSuchBucket")),
    "killed-in-a-bulk": End(
        invocations=2, words=("signal: killed", "Then: batch delivered", "stored 40, duplicate 20")
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_record_is_where_it_should_be_and_nowhere_else(
    fault: Fault, prepared: Rig, s3: S3Server, folder: Path
) -> None:
    row, end = run_fault(fault, prepared, s3, folder), ENDS[fault.name]
    assert row.stored + row.dead_letters + row.kept == row.sent
    assert (row.lost, row.twice) == (0, 0)
    assert (row.stored, row.dead_letters, row.kept, row.attempts) == (
        end.stored,
        end.dead_letters,
        end.kept,
        end.invocations,
    )
    assert row.broken >= sum(step.times or 1 for step in fault.steps if step.action != "pass")
    assert [words for words in end.words if words not in row.said] == [], row.said


SENT = ("a", "b", "c")


@pytest.mark.parametrize(
    ("indexed", "dead_letters", "kept", "lost", "twice"),
    [
        ("abc", "", "", 0, 0),
        ("ab", "", "", 1, 0),
        ("", "", "", 3, 0),
        ("aabc", "", "", 0, 1),
        ("abc", "c", "", 0, 1),
        ("ab", "c", "", 0, 0),
        ("ab", "cc", "", 0, 1),
        ("ab", "", "abc", 0, 0),
        ("ab", "c", "abc", 0, 1),
    ],
)
def test_what_is_lost_or_there_twice_is_counted(
    indexed: str, dead_letters: str, kept: str, lost: int, twice: int
) -> None:
    there = Whereabouts(Counter(indexed), Counter(dead_letters), Counter(kept))
    assert (there.lost(SENT), there.twice) == (lost, twice)


def row_with(lost: int, twice: int) -> Row:
    return Row("x", 0, 3, 3 - lost, 0, 0, lost, twice, 1, "batch delivered", 0.1)


@pytest.mark.parametrize(("lost", "twice", "status"), [(0, 0, 0), (1, 0, 1), (0, 1, 1)])
def test_the_table_fails_where_a_record_is_lost_or_there_twice(lost: int, twice: int, status: int) -> None:
    assert judge(Console(quiet=True), [row_with(0, 0), row_with(lost, twice)]) == status
