"""docs/redaction.md says what redaction does: each row of its table is tried."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from forwarder.redaction import Rule, redact
from forwarder.redaction.looks import LOOKS

PAGE = (Path(__file__).parent.parent / "docs" / "redaction.md").read_text()
ROW = re.compile(r"\| (?P<rule>[^|`]+) \| `(?P<before>.+?)` \| `(?P<after>.+?)` \|")


class Row(NamedTuple):
    rule: str
    before: str
    after: str


ROWS = [Row(*(text.replace("\\|", "|") for text in match.groups())) for match in ROW.finditer(PAGE)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.before[:40])
def test_a_row_is_true(row: Row) -> None:
    redacted = redact(row.before)
    assert redacted.text == row.after
    assert row.rule in redacted.rules


def test_every_rule_has_an_example() -> None:
    assert {row.rule for row in ROWS} == {*Rule} - {Rule.OPERATOR}


def test_the_issuers_whose_tokens_are_known_are_named() -> None:
    issuers = {issuer.split(" ")[0] for look in LOOKS for issuer in look.issuer.split(", ")}
    unnamed = {"JSON", "request", "hash"}  # no issuers
    assert sorted(issuer for issuer in issuers - unnamed if issuer not in PAGE) == []
