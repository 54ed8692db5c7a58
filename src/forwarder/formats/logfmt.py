"""logfmt as logrus writes it: the lines of aws-iam-authenticator.

Source: sirupsen/logrus, text_formatter.go: `key=value` pairs separated by one space; a value is quoted by `%q` unless
it consists of letters, digits and `-._/@^+` only.
"""

import re

from forwarder.go_strings import QUOTED, ValueSpan, unquote, unquote_beginning
from forwarder.log_headers import start_of

_PAIR = re.compile(rf"(?P<key>[^\s=\"]++)=(?:(?P<quoted>{QUOTED.pattern})|(?P<bare>[^\s\"]\S*+|))(?: ++|\Z)")
_CUT_OFF = re.compile(rf"(?P<key>[^\s=\"]++)=(?!{QUOTED.pattern})\"")


def parse_logfmt(line: str) -> dict[str, str] | None:
    """The pairs of a line in their order; of a repeated key the last. None where the line is not wholly logfmt."""
    spans = _pairs(line)
    if spans is None:
        return None
    pairs = {key: unquote(line[start:end]) if quoted else line[start:end] for key, start, end, quoted in spans}
    last = spans[-1]
    if not last.quoted and line.startswith('"', last.start):
        pairs[last.key] = unquote_beginning(line[last.start : last.end])
    return pairs


def logfmt_values(line: str) -> list[ValueSpan]:
    """Where the values stand that `parse_logfmt` reads, in their order; the whole line where it reads none."""
    spans = _pairs(line)
    return [ValueSpan("", 0, len(line), quoted=False)] if spans is None else spans


def _pairs(line: str) -> list[ValueSpan] | None:
    """The pairs of a line. A string that does not end was cut off: what stands in it is no pair, but part of it."""
    spans: list[ValueSpan] = []
    position, end = start_of(line), len(line.rstrip())
    while position < end:
        pair = _PAIR.match(line, position, end)
        if pair is None:
            cut_off = _CUT_OFF.match(line, position, end)
            if cut_off is None:
                return None
            spans.append(ValueSpan(cut_off["key"], cut_off.end() - 1, end, quoted=False))
            break
        start, end_of_value = pair.span(pair.lastgroup or 0)
        spans.append(ValueSpan(pair["key"], start, end_of_value, pair.lastgroup == "quoted"))
        position = pair.end()
    return spans or None
