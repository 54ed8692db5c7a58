"""logfmt as logrus writes it: the lines of aws-iam-authenticator.

Source: sirupsen/logrus, text_formatter.go: `key=value` pairs separated by one space; a value is quoted by `%q` unless
it consists of letters, digits and `-._/@^+` only.
"""

import re

from forwarder.go_strings import QUOTED, unquote

_PAIR = re.compile(rf"(?P<key>[^\s=\"]+)=(?:(?P<quoted>{QUOTED.pattern})|(?P<bare>\S*))(?: +|\n|$)", re.DOTALL)


def parse_logfmt(line: str) -> dict[str, str] | None:
    """The pairs of a line in their order; of a repeated key the last. None where the line is not wholly logfmt."""
    pairs: dict[str, str] = {}
    position = 0
    while position < len(line):
        pair = _PAIR.match(line, position)
        if pair is None:
            return None
        pairs[pair["key"]] = pair["bare"] if pair["quoted"] is None else unquote(pair["quoted"])
        position = pair.end()
    return pairs or None
