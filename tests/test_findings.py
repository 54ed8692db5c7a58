import json

from eks_logs.findings import as_json, as_text, exit_code, fail, ok, skipped, warn

FINDINGS = (
    ok("logging", "all five log types are enabled"),
    fail("filter", "none\nsends to the function", "aws logs put-subscription-filter"),
    warn("kept", "3 objects", "replay"),
    skipped("role", "the caller lacks the right iam:GetRolePolicy"),
)


def test_each_finding_is_one_line() -> None:
    assert as_text(FINDINGS).splitlines() == [
        "ok    logging  all five log types are enabled",
        "FAIL  filter   none sends to the function; fix: aws logs put-subscription-filter",
        "warn  kept     3 objects; fix: replay",
        "skip  role     the caller lacks the right iam:GetRolePolicy",
    ]


def test_json_holds_the_same() -> None:
    read = json.loads(as_json(FINDINGS))
    assert read["exit_code"] == 1
    assert [one["status"] for one in read["findings"]] == ["ok", "fail", "warn", "skipped"]
    assert read["findings"][2] == {"name": "kept", "status": "warn", "message": "3 objects", "remediation": "replay"}


def test_only_a_broken_link_or_having_seen_nothing_is_a_failure() -> None:
    okay, broken, doubtful, unseen = FINDINGS
    assert exit_code([okay, doubtful, unseen]) == 0
    assert exit_code([okay, broken]) == 1
    assert exit_code([unseen, unseen]) == exit_code([]) == 1
