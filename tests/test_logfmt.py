import pytest

from forwarder.parsers.logfmt import parse_logfmt
from tests.test_klog import HOSTILE


def test_a_line_as_logrus_writes_it() -> None:
    line = (
        'time="2026-11-20T09:12:31Z" level=warning msg="access denied" client="127.0.0.1:4" '
        r'error="ARN \"x\" is not mapped" session= method=POST path=/authenticate'
    )
    assert parse_logfmt(line) == {
        "time": "2026-11-20T09:12:31Z",
        "level": "warning",
        "msg": "access denied",
        "client": "127.0.0.1:4",
        "error": 'ARN "x" is not mapped',
        "session": "",
        "method": "POST",
        "path": "/authenticate",
    }


@pytest.mark.parametrize("line", ["", "plain words", "level=info and then words", "=x"])
def test_other_lines_are_not_logfmt(line: str) -> None:
    assert parse_logfmt(line) is None


def test_an_unclosed_quote_is_kept_as_it_stands() -> None:
    assert parse_logfmt('level=info msg="cut') == {"level": "info", "msg": "cut"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_does_not_raise(name: str) -> None:
    parse_logfmt(HOSTILE[name])
