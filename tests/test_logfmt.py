import pytest

from forwarder.formats.logfmt import parse_logfmt
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


@pytest.mark.parametrize(
    ("cut_off", "value"),
    [
        ('"', ""),
        ('"cut', "cut"),
        (r'"a \"b', 'a "b'),
        ('"a\\', "a"),
        (r'"a\\', "a\\"),
        ('"a\\\\\\', "a\\"),
        (r'"a\n\x4', "a\n"),
        (r'"a\u00e', "a"),
        (r'"a\U0001f60', "a"),
        (r'"a\u00e9', "a\u00e9"),
        (r'"a\\x4', r"a\x4"),
    ],
)
def test_a_value_that_was_cut_off_has_no_quote_and_no_half_escape(cut_off: str, value: str) -> None:
    assert parse_logfmt(f"level=info msg={cut_off}") == {"level": "info", "msg": value}


@pytest.mark.parametrize("front", ["", " ", "   ", "\ufeff", " \ufeff ", "\r\n", "\u00ef\u00bb\u00bf"])
def test_blanks_and_a_byte_order_mark_in_front_are_no_part_of_it(front: str) -> None:
    assert parse_logfmt(f'{front}level=info msg="a b"') == {"level": "info", "msg": "a b"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_does_not_raise(name: str) -> None:
    parse_logfmt(HOSTILE[name])
