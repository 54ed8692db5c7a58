"""klog: the lines of the API server, the controller managers and the scheduler, as text and as JSON.

Sources: k8s.io/klog, klog.go (formatHeader: `Lmmdd hh:mm:ss.uuuuuu threadid file:line] msg`) and
internal/serialize/keyvalues.go (`"message" key="value" key=value`, multi-line values as `=<`, lines, ` >`);
k8s.io/component-base, logs/json (`ts` in ms, `caller`, `msg`, `v`; entries without `v` are errors).
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from forwarder.go_strings import QUOTED, unquote
from forwarder.json_values import JsonObject, JsonValue, as_keyword, read_json

SEVERITIES = {"I": "INFO", "W": "WARNING", "E": "ERROR", "F": "FATAL"}

_HEADER = re.compile(
    r"(?P<letter>[IWEF])(?P<month>\d\d)(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d\.\d{6}) +(?P<thread>\d+) "
    r"(?P<file>[^:\s\]]+):(?P<line>\d{1,9})\] ?"
)
_STRUCTURED = re.compile(rf"(?:(?P<prefix>[^\s\"]+): )?(?P<message>{QUOTED.pattern})(?= |\n|$)", re.DOTALL)
_SPACE = re.compile(r"\s*+")
_KEY = re.compile(r"(?<=\s)(?P<key>[^\s=\"]+)=")
_LINES = re.compile(r"<\n(?P<lines>.*?)\n >", re.DOTALL)
_BRACKET = re.compile(rf'{QUOTED.pattern}|[\[{{(\]}})"]', re.DOTALL)
_OPENING = ("{", "[", "(", "&{", "&[", "map[")
_LINE_DIGITS = 9
_HALF_A_YEAR = timedelta(days=182)
# Far more than a component writes; what has more is not worth the time, and stays free text.
_MOST_FIELDS = 1000
_OBJECT_REF = ({"name"}, {"name", "namespace"})
_JSON_HEADER = frozenset({"ts", "v", "msg", "caller", "severity", "level"})


@dataclass(frozen=True, slots=True)
class KlogEntry:
    """One klog entry; `thread` and `line` are None where the format has none.

    `severity` is one of SEVERITIES' values, `time` ISO 8601 in UTC, `prefix` the logger's name before the message,
    `fields` the structured key/values as text.
    """

    severity: str
    message: str
    time: str | None = None
    thread: str | None = None
    file: str | None = None
    line: int | None = None
    prefix: str | None = None
    fields: dict[str, str] = field(default_factory=dict)


def parse_klog(record: str, timestamp: int) -> KlogEntry | None:
    """Read one klog entry, text or JSON; None for any other line (banners, stack traces).

    Args:
        record: the record's whole text.
        timestamp: the record's own time in ms since 1970; klog's text header has no year, it is taken from here.
    """
    if record.startswith("{"):
        return _parse_json(record)
    header = _HEADER.match(record)
    return None if header is None else _parse_text(header, record[header.end() :].rstrip("\n"), timestamp)


def _parse_text(header: re.Match[str], text: str, timestamp: int) -> KlogEntry:
    prefix, message, fields = _split_structured(text)
    return KlogEntry(
        severity=SEVERITIES[header["letter"]],
        message=message,
        time=_header_time(header, timestamp),
        thread=header["thread"],
        file=header["file"],
        line=int(header["line"]),
        prefix=prefix,
        fields=fields,
    )


def _header_time(header: re.Match[str], timestamp: int) -> str | None:
    """The header's time in the year that brings it nearest to the record's own time (31 December, 1 January)."""
    received = datetime.fromtimestamp(timestamp / 1000, UTC)
    same_year = _time_in(received.year, header)
    if same_year is not None and abs(same_year - received) < _HALF_A_YEAR:
        return _iso(same_year)
    candidates = [
        time
        for year in (received.year - 1, received.year, received.year + 1)
        if (time := _time_in(year, header)) is not None
    ]
    nearest = min(candidates, key=lambda time: abs(time - received), default=None)
    return None if nearest is None else _iso(nearest)


def _time_in(year: int, header: re.Match[str]) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{year:04}-{header['month']}-{header['day']}T{header['clock']}+00:00")
    except ValueError:
        return None


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _split_structured(text: str) -> tuple[str | None, str, dict[str, str]]:
    """Prefix, message and fields of a structured entry; free text is all message."""
    head = _STRUCTURED.match(text)
    fields = None if head is None else _read_fields(text, head.end())
    if head is None or fields is None:
        return None, text, {}
    return head["prefix"], unquote(head["message"]), fields


def _read_fields(text: str, position: int) -> dict[str, str] | None:
    """The key/values from a position to the end; None where something else stands there: then it is no entry."""
    values = _Values(text)
    fields: list[tuple[str, str]] = []
    while (position := _behind_space(text, position)) < len(text):
        key = _KEY.match(text, position)
        if key is None or len(fields) == _MOST_FIELDS:
            return None
        value, position = values.read(key.end())
        fields.append((key["key"], value))
    return dict(fields)


def _behind_space(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return position if space is None else space.end()


class _Values:
    """Reads the values of one entry, each as klog wrote it.

    Where brackets or lines once did not close they are not looked for again: the cost stays linear whatever the text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._brackets_close = True
        self._lines_close = True

    def read(self, start: int) -> tuple[str, int]:
        """The value that begins at `start`, and where it ends."""
        if quoted := QUOTED.match(self._text, start):
            return unquote(quoted[0]), quoted.end()
        return self._read_lines(start) or self._read_brackets(start) or self._read_to_next_key(start)

    def _read_lines(self, start: int) -> tuple[str, int] | None:
        if not (self._lines_close and self._text.startswith("<\n", start)):
            return None
        lines = _LINES.match(self._text, start)
        if lines is None:
            self._lines_close = False
            return None
        return "\n".join(line.removeprefix("\t") for line in lines["lines"].split("\n")), lines.end()

    def _read_brackets(self, start: int) -> tuple[str, int] | None:
        """A Go struct, map or list, or JSON: to where the brackets that open at `start` are closed again."""
        if not (self._brackets_close and self._text.startswith(_OPENING, start)):
            return None
        depth = 0
        for bracket in _BRACKET.finditer(self._text, start):
            depth += _depth_change(bracket[0])
            if bracket[0] == '"' or depth == 0:
                break
        else:
            depth = -1
        end = bracket.end()
        self._brackets_close = depth == 0 and (end == len(self._text) or self._text[end].isspace())
        return (self._text[start:end], end) if self._brackets_close else None

    def _read_to_next_key(self, start: int) -> tuple[str, int]:
        following = _KEY.search(self._text, start)
        end = len(self._text) if following is None else following.start()
        return self._text[start:end].rstrip(), end


def _depth_change(bracket: str) -> int:
    if bracket in "[{(":
        return 1
    return -1 if bracket in "]})" else 0


def _parse_json(record: str) -> KlogEntry | None:
    try:
        entry = read_json(record)
    except ValueError:
        return None
    if not isinstance(entry, dict):
        return None
    message, milliseconds = entry.get("msg"), entry.get("ts")
    if not (isinstance(message, str) and isinstance(milliseconds, int | float)):
        return None
    file, line = _caller(entry.get("caller"))
    return KlogEntry(
        severity="INFO" if "v" in entry else "ERROR",
        message=message.rstrip("\n"),
        time=_json_time(milliseconds),
        file=file,
        line=line,
        fields=_json_fields(entry),
    )


def _json_time(milliseconds: float) -> str | None:
    try:
        return _iso(datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds))
    except (OverflowError, ValueError):
        return None


def _caller(caller: JsonValue) -> tuple[str | None, int | None]:
    if not isinstance(caller, str):
        return None, None
    file, colon, line = caller.rpartition(":")
    return (file, int(line)) if colon and line.isdecimal() and len(line) <= _LINE_DIGITS else (caller, None)


def _json_fields(entry: JsonObject) -> dict[str, str]:
    return {key: text for key, value in entry.items() if key not in _JSON_HEADER and (text := _json_field(value))}


def _json_field(value: JsonValue) -> str | None:
    """A value as klog's text format shows it: object references as `namespace/name`."""
    if isinstance(value, dict) and value.keys() in _OBJECT_REF:
        return "/".join(map(str, (value[name] for name in ("namespace", "name") if name in value)))
    return as_keyword(value)
