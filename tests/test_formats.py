"""The registry of log formats: what belongs to which log type, and that a record is written by its format alone."""

import pytest

from forwarder.documents import SLIM, document_of, slim, whole
from forwarder.formats import FORMATS, audit, authenticator, format_of, klog, writer_of
from forwarder.sources import (
    API,
    AUDIT,
    AUTHENTICATOR,
    CONTROLLER_MANAGER,
    EKS_LOG_TYPES,
    LOG_GROUPS,
    SCHEDULER,
    UNKNOWN,
)

OWNER = "111122223333"
TIME = 1_795_165_951_123
KLOG = 'I1120 09:12:31.123456       1 schedule_one.go:314] "Bound pod" pod="shop/cart"'
LOGFMT = 'time="2026-11-20T09:12:31Z" level=info msg="access granted" arn=arn:aws:iam::111122223333:user/ada'


@pytest.mark.parametrize(
    ("log_type", "expected"),
    [
        (AUDIT, audit.FORMAT),
        (AUTHENTICATOR, authenticator.FORMAT),
        *((log_type, klog.FORMAT) for log_type in (API, CONTROLLER_MANAGER, SCHEDULER, UNKNOWN, "kubelet")),
    ],
)
def test_a_log_type_has_its_format_and_one_without_a_line_is_a_components(log_type: str, expected: object) -> None:
    assert format_of(log_type) is expected


def test_every_format_has_streams() -> None:
    assert FORMATS.keys() <= {stream.log_type for _, streams in LOG_GROUPS for stream in streams}


def test_only_an_audit_record_may_consist_of_several() -> None:
    assert [name for name in (*EKS_LOG_TYPES, UNKNOWN) if format_of(name).split is not None] == [AUDIT]


@pytest.mark.parametrize("log_type", [*EKS_LOG_TYPES, UNKNOWN])
@pytest.mark.parametrize("record", [KLOG, LOGFMT, "", "a banner", "{", '{"kind":"Event"}'])
def test_every_format_says_how_severe_a_record_is_and_what_it_says(log_type: str, record: str) -> None:
    about, _ = writer_of(log_type, OWNER)(record, TIME)
    assert about["severity"] in ("INFO", "WARNING", "ERROR", "FATAL")
    assert isinstance(about["message"], str)


@pytest.mark.parametrize("log_type", [*EKS_LOG_TYPES, UNKNOWN])
def test_klog_stands_in_the_streams_of_every_type(log_type: str) -> None:
    about, fields = writer_of(log_type, OWNER)(KLOG, TIME)
    assert (about["message"], fields) == ("Bound pod: pod=shop/cart", None)


def test_batches_of_a_log_type_share_a_writer_which_remembers_what_they_repeat() -> None:
    assert writer_of(AUDIT, OWNER) is writer_of(AUDIT, OWNER)
    assert writer_of(AUDIT, OWNER) is not writer_of(AUDIT, "444455556666")


def test_a_slim_document_carries_why_and_a_whole_one_does_not() -> None:
    document = document_of("1", {"@timestamp": "2026-11-20T09:12:31.123Z", "log_type": AUDIT, "verb": "get"})
    without_fields = slim(document, "mapper_parsing_exception")
    assert without_fields.refusal == "mapper_parsing_exception"
    assert without_fields.source["parse_error"] == f"{SLIM}: {without_fields.refusal}"
    assert whole(without_fields) == document
