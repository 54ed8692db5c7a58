from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eks_logs.findings import Status
from eks_logs.opensearch.conflicts import (
    check_creation,
    check_room,
    index_conflicts,
    may_be_created,
    overlap,
    template_conflicts,
)
from eks_logs.opensearch.indices import ExistingIndex
from eks_logs.opensearch.target import Target

ROLE_ARN = "arn:aws:iam::111122223333:role/forwarder"
INDEX = "eks-control-plane-logs"
ENDLESS = Target(INDEX, ROLE_ARN, rotation="none")
DAILY = Target(INDEX, ROLE_ARN)
TODAY = date(2026, 11, 20)
PATTERNS = st.text("ab*", max_size=6)


@given(PATTERNS, PATTERNS, st.text("ab", max_size=6))
def test_patterns_with_a_name_in_common_overlap(one: str, other: str, name: str) -> None:
    if fnmatchcase(name, one) and fnmatchcase(name, other):
        assert overlap(one, other)


@given(PATTERNS, st.text("ab", max_size=6))
def test_a_pattern_overlaps_the_names_it_matches_and_no_others(pattern: str, name: str) -> None:
    assert overlap(pattern, name) == fnmatchcase(name, pattern)


@given(PATTERNS, PATTERNS)
def test_overlapping_is_mutual(one: str, other: str) -> None:
    assert overlap(one, other) == overlap(other, one)


@pytest.mark.parametrize(
    ("pattern", "priority", "words"),
    [
        ("*", 500, "same priority"),
        ("eks-control-plane-logs-blue*", 500, "same priority"),
        ("eks-*", 501, "higher priority"),
        ("eks-control-plane-logs", 900, "higher priority"),
    ],
)
def test_a_template_that_keeps_ours_out_is_named_with_what_to_do(pattern: str, priority: int, words: str) -> None:
    (finding,) = template_conflicts({"theirs": {"index_patterns": [pattern], "priority": priority}}, ENDLESS, 500)
    assert finding.status is Status.FAIL
    assert "index template theirs" in finding.message
    assert words in finding.message
    assert f"--template-priority {priority + 1}" in (finding.remediation or "")


@pytest.mark.parametrize(
    ("pattern", "priority"),
    [
        ("*", 0),
        ("eks-*", 499),
        ("logs-*", 500),
        ("eks-control-plane-logs-blue*", 900),
        ("eks-control-plane-logs-2*", 900),
    ],
)
def test_a_template_that_leaves_ours_alone_is_none(pattern: str, priority: int) -> None:
    assert not [*template_conflicts({"theirs": {"index_patterns": pattern, "priority": priority}}, ENDLESS, 500)]


def test_with_rotation_it_is_the_dated_indices_that_count() -> None:
    for pattern, count in (("eks-control-plane-logs", 0), ("eks-control-plane-logs-2026*", 1)):
        theirs = {"theirs": {"index_patterns": [pattern], "priority": 900}}
        assert len([*template_conflicts(theirs, DAILY, 500)]) == count


def test_a_template_without_a_priority_is_no_conflict() -> None:
    assert not [*template_conflicts({"theirs": {"index_patterns": ["*"]}}, ENDLESS, 500)]


def existing(
    name: str, dynamic: str | None = "false", log_stream: str | None = "text", alias: str = ""
) -> ExistingIndex:
    return ExistingIndex(name, frozenset({alias} if alias else ()), dynamic, log_stream)


@pytest.mark.parametrize(
    ("dynamic", "log_stream"), [("true", "text"), (None, "text"), ("false", "keyword"), (None, None)]
)
def test_an_index_with_another_mapping_is_named_with_what_to_do(dynamic: str | None, log_stream: str | None) -> None:
    (finding,) = index_conflicts((existing("eks-control-plane-logs", dynamic, log_stream),), ENDLESS)
    assert finding.status is Status.WARN
    assert "index eks-control-plane-logs has a mapping of its own" in finding.message
    assert "IndexName" in (finding.remediation or "")


def test_indices_that_the_function_does_not_write_to_are_no_conflict() -> None:
    for name in ("eks-control-plane-logs-blue", "eks-control-plane-logs-2026.11.20", "eks-control-plane-logsx"):
        assert not [*index_conflicts((existing(name, "true", None),), ENDLESS)]
    assert not [*index_conflicts((existing("eks-control-plane-logs", "true", None),), DAILY)]


@pytest.mark.parametrize("date", ["2026.11.20", "2026.w47", "2026.11"])
def test_every_dated_index_is_looked_at(date: str) -> None:
    assert [*index_conflicts((existing(f"eks-control-plane-logs-{date}", "true"),), DAILY)]


@pytest.mark.parametrize(
    ("target", "dynamic", "status"),
    [
        ("theirs-000001", "false", Status.FAIL),
        ("eks-control-plane-logs-000001", "true", Status.FAIL),
        ("eks-control-plane-logs-000001", "false", Status.WARN),
    ],
)
def test_an_alias_of_our_name_is_named_with_what_is_behind_it(target: str, dynamic: str, status: Status) -> None:
    (finding,) = index_conflicts((existing(target, dynamic, alias="eks-control-plane-logs"),), ENDLESS)
    assert finding.status is status
    assert f"eks-control-plane-logs is an alias, of {target}" in finding.message


def test_an_index_that_is_written_to_now_and_has_another_mapping_is_a_failure() -> None:
    (finding,) = index_conflicts((existing(INDEX, None, None),), ENDLESS, TODAY)
    assert finding.status is Status.FAIL
    found = [existing(f"{INDEX}-2026.11.{day}", None, None) for day in (19, 20, 21)]
    statuses = [finding.status for finding in index_conflicts(tuple(found), DAILY, TODAY)]
    assert statuses == [Status.WARN, Status.FAIL, Status.FAIL]


def test_an_index_that_takes_no_records_is_a_failure_with_the_request_that_opens_it() -> None:
    for refuses, request in (
        (("closed",), f"POST /{INDEX}-2026.11.20/_open"),
        (("index.blocks.write",), '{"index.blocks.write":null}'),
    ):
        index = replace(existing(f"{INDEX}-2026.11.20"), refuses=refuses)
        (finding,) = index_conflicts((index,), DAILY, TODAY)
        assert finding.status is Status.FAIL
        assert request in (finding.remediation or "")


@pytest.mark.parametrize(
    ("setting", "allowed"),
    [
        ("true", True),
        ("false", False),
        (True, True),
        ("+eks-*,-*", True),
        ("eks-control-plane-logs*", True),
        ("-eks-*,+*", False),
        ("-*,+eks-*", False),
        ("+logs-*", False),
        (["-eks-*", "+*"], False),
        ("", False),
    ],
)
def test_which_index_the_server_makes_by_itself(setting: object, *, allowed: bool) -> None:
    assert may_be_created("eks-control-plane-logs-2026.11.20", setting) is allowed


@pytest.mark.parametrize(
    ("target", "there", "status"),
    [
        (DAILY, (), Status.FAIL),
        (DAILY, (f"{INDEX}-2026.11.19",), Status.FAIL),
        (DAILY, (f"{INDEX}-2026.11.20",), Status.WARN),
        (ENDLESS, (), Status.FAIL),
        (ENDLESS, (INDEX,), Status.OK),
    ],
)
def test_where_nothing_makes_the_next_index_that_is_said(
    target: Target, there: tuple[str, ...], status: Status
) -> None:
    settings = {"action.auto_create_index": "-eks-*,+*"}
    finding = check_creation(settings, [existing(name) for name in there], target, TODAY)
    assert finding.status is status
    if finding.remediation:
        allowing = finding.remediation.partition('index":"')[2].partition('"')[0]
        assert may_be_created(target.written_on(TODAY), allowing)


def test_a_cluster_that_takes_no_writes_is_a_failure() -> None:
    finding = check_creation({"cluster.blocks.read_only": "true"}, [existing(INDEX)], ENDLESS, TODAY)
    assert (finding.name, finding.status) == ("creation", Status.FAIL)


@pytest.mark.parametrize(
    ("shards", "there", "statuses"),
    [
        (1799, (), []),
        (1800, (), [Status.WARN]),
        (2000, (), [Status.FAIL]),
        (2001, (f"{INDEX}-2026.11.20",), [Status.WARN]),
    ],
)
def test_a_cluster_that_has_no_room_for_the_next_index_is_a_failure(
    shards: int, there: tuple[str, ...], statuses: list[Status]
) -> None:
    settings, indices = {"cluster.max_shards_per_node": "1000"}, [existing(name) for name in there]
    assert [one.status for one in check_room(settings, (shards, 2), indices, DAILY, TODAY)] == statuses
