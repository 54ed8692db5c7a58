"""The lines of the API server, controller managers and scheduler: klog's text and JSON, and JSON of libraries in them.

Sources: k8s.io/klog, klog.go (formatHeader: `Lmmdd hh:mm:ss.uuuuuu threadid file:line] msg`) and
internal/serialize/keyvalues.go (`"message" key="value" key=value`: strings quoted, those of several lines as `=<`,
lines, ` >`, anything else as JSON); k8s.io/component-base, logs/json (`ts` in ms, `caller`, `msg`, `v`; entries without
`v` are errors); go.uber.org/zap, zapcore (`level`, `ts`, `logger`, `caller`, `msg`), which etcd's client uses.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from typing import NamedTuple

from forwarder.field_shapes import Keyword, flat_object, object_of, text_only
from forwarder.formats import plain
from forwarder.formats.format import Format, Written
from forwarder.formats.logfmt import parse_logfmt
from forwarder.go_strings import QUOTED, ValueSpan, read_text
from forwarder.json_values import (
    JsonObject,
    JsonValue,
    as_integer,
    as_keyword,
    as_object,
    quote_masked,
    read_json,
    read_leading_members,
)
from forwarder.log_headers import if_near, iso, read_time, severity_of, start_of
from forwarder.visible_text import one_line, unbroken

# Keys that have fields of their own; klog writes their values as strings.
NAMED = ("pod", "node", "err")
SEVERITIES = {"I": "INFO", "W": "WARNING", "E": "ERROR", "F": "FATAL"}

_HEADER = re.compile(
    r"(?P<letter>[IWEF])(?P<year>\d{4})?(?P<month>\d\d)(?P<day>\d\d) (?P<clock>\d\d:\d\d:\d\d\.\d{6}) +(?P<thread>\d+) "
    r"(?P<file>[^:\s\]]+):(?P<line>\d{1,9})\] ?"
)
# A logger's name, and the message; what free text has in front of a quoted word (`Trace[7]:`) is no such name.
_MESSAGE = re.compile(rf"(?:(?P<prefix>[\w./-]++): )?(?P<message>{QUOTED.pattern})(?= |\Z)")
_KEY = re.compile(r" ++(?P<key>[\w./-]++)=")
# What tells where it ends: strings, lines that each begin with a tab, JSON (objects and lists are read by its decoder).
_PLAIN = re.compile(
    rf"(?:(?P<quoted>{QUOTED.pattern})|(?P<lines><\n(?:\t[^\n]*+\n)++ >)"
    r"|(?P<scalar>-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?|true|false|null|<nil>))(?= |\Z)"
)
_WORD = re.compile(r"[^\s\"=\[\](){}]++(?= |\Z)")
_JSON = json.JSONDecoder(parse_int=str, parse_float=str)
_BRACKET = re.compile(rf'{QUOTED.pattern}|[\[{{(\]}})"]')
_OPENING = ("{", "[", "(", "&{", "&[", "map[")
_LINE_DIGITS = 9
# Far more than a component writes; what has more is not worth the time, and stays free text.
_MOST_FIELDS = 1000
_OBJECT_REF = ({"name"}, {"name", "namespace"})
# What libraries call them, in letters of either case: of each the first that a line has.
_MESSAGES = ("msg", "message", "@message", "m")
_TIMES = ("ts", "time", "timestamp", "@timestamp", "t")
_LEVELS = ("level", "severity", "lvl", "@level", "log.level", "loglevel", "log_level", "levelname", "severitytext", "l")
_CALLERS = ("caller", "c")
# 1973 in ms, the year 5138 in s: klog writes ms, and what others write without a level are seconds.
_LEAST_MILLISECONDS = 1e11


# How logfmt begins: each library that writes it puts time or level first.
_LOGFMT = re.compile(r"(?:time|timestamp|ts|t|level|lvl|severity|msg|message)=")


class _Kind(Enum):
    """How a value is written; only the first three tell where they end."""

    QUOTED = auto()  # "…", as strconv.Quote writes it
    LINES = auto()  # `<`, lines that each begin with a tab, ` >`
    PLAIN = auto()  # JSON but for strings, and <nil>
    DUMP = auto()  # Go's %v or %+v of a struct, map or list
    WORD = auto()  # %v of anything else
    CUT_OFF = auto()  # what begins as one of those and does not end


_KINDS = {"quoted": _Kind.QUOTED, "lines": _Kind.LINES, "scalar": _Kind.PLAIN}
_DOUBTFUL = (_Kind.DUMP, _Kind.WORD)


class _Value(NamedTuple):
    key: str
    start: int
    end: int
    kind: _Kind

    def read(self, record: str) -> str:
        text = record[self.start : self.end]
        if self.kind is _Kind.CUT_OFF and text.startswith("<\n"):
            return text.removeprefix("<\n").removeprefix("\t").replace("\n\t", "\n")
        if self.kind in (_Kind.QUOTED, _Kind.CUT_OFF):
            return read_text(text)
        if self.kind is _Kind.LINES:
            return text.removeprefix("<\n\t").removesuffix("\n >").replace("\n\t", "\n")
        return text


class _Entry(NamedTuple):
    prefix: str | None
    message: _Value
    values: list[_Value]


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
    if (members := read_json_line(record)) is not None:
        return entry_of(members, timestamp)
    header = _HEADER.match(record, start_of(record))
    return None if header is None else _parse_text(header, record, timestamp)


def read_line(record: str, timestamp: int) -> KlogEntry | None:
    """Read one line of a component as `parse_klog` does; also one of logfmt, which some of their libraries write."""
    entry = parse_klog(record, timestamp)
    if entry is None and _LOGFMT.match(record, start_of(record)):
        entry = entry_of(parse_logfmt(record) or {}, timestamp)
    return entry


def write(record: str, timestamp: int) -> Written:
    """A line of any component: in whichever format it looks written, else as it stands."""
    entry = read_line(record, timestamp)
    return plain.write(record, timestamp) if entry is None else (block_of(entry), None)


FORMAT = Format(lambda _owner: write)


def block_of(entry: KlogEntry) -> JsonObject:
    """What a document says of an entry."""
    return {
        "severity": entry.severity,
        "message": _sentence(entry.message, entry.fields),
        "klog": _fields(entry),
    }


def _fields(entry: KlogEntry) -> JsonObject:
    block: JsonObject = {
        "time": entry.time,
        "thread": entry.thread,
        "file": entry.file,
        "line": entry.line,
        "prefix": entry.prefix,
        "message": entry.message,
        "fields": flat_object(entry.fields) or None,
        **{name: entry.fields.get(name) for name in NAMED},
    }
    return as_object(_KLOG({name: value for name, value in block.items() if value is not None}))


_KLOG = object_of(
    {
        "time": text_only,
        "thread": Keyword(32),
        "file": Keyword(256),
        "line": as_integer,
        "prefix": Keyword(256),
        "message": Keyword(),
        "fields": lambda fields: fields,
        "pod": Keyword(),
        "node": Keyword(),
        "err": Keyword(),
    }
)


def _sentence(message: str, fields: Mapping[str, str]) -> str:
    """The message with its key/values behind it: `Successfully bound pod to node: pod=default/my-app node=…`."""
    about = " ".join(f"{name}={one_line(value)}" for name, value in fields.items())
    return one_line(f"{unbroken(message)}: {about}" if about else message)


def klog_values(record: str) -> list[ValueSpan]:
    """Where the message and the values stand that `parse_klog` reads from klog text, in their order.

    Free text is one span, and so is the whole of a record that is no klog text.
    """
    header = _HEADER.match(record, start_of(record))
    if header is None:
        return [ValueSpan("", 0, len(record), quoted=False)]
    entry = _read_entry(record, header.end())
    if entry is None:
        return [ValueSpan("", header.end(), len(record), quoted=False)]
    return [
        ValueSpan(value.key, value.start, value.end, value.kind is _Kind.QUOTED)
        for value in (entry.message, *entry.values)
    ]


def _parse_text(header: re.Match[str], record: str, timestamp: int) -> KlogEntry:
    entry = _read_entry(record, header.end())
    return KlogEntry(
        severity=SEVERITIES[header["letter"]],
        message=record[header.end() :].rstrip("\n") if entry is None else entry.message.read(record),
        time=_header_time(header, timestamp),
        thread=header["thread"],
        file=header["file"],
        line=int(header["line"]),
        prefix=None if entry is None else entry.prefix,
        fields={} if entry is None else {value.key: value.read(record) for value in entry.values},
    )


def _header_time(header: re.Match[str], timestamp: int) -> str | None:
    """The header's time in its year, or that which brings it nearest to the record's own time (31 December)."""
    received = datetime.fromtimestamp(timestamp / 1000, UTC)
    years = (int(header["year"]),) if header["year"] else (received.year, received.year - 1, received.year + 1)
    for year in years:
        time = _time_in(year, header)
        if time is not None and if_near(time, timestamp):
            return iso(time)
    return None


def _time_in(year: int, header: re.Match[str]) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{year:04}-{header['month']}-{header['day']}T{header['clock']}+00:00")
    except ValueError:
        return None


def _read_entry(record: str, position: int) -> _Entry | None:
    """A structured entry from behind the header to the end; None for free text."""
    end = len(record.rstrip())
    head = _MESSAGE.match(record, position, end)
    values = None if head is None else _read_values(record, head.end(), end)
    if head is None or values is None:
        return None
    return _Entry(head["prefix"], _Value("", *head.span("message"), _Kind.QUOTED), values)


def _read_values(record: str, position: int, end: int) -> list[_Value] | None:
    """The key/values from a position to the end; None where anything else stands there: then it is free text.

    A dump of Go's or a bare word, which klog wrote before 2.100 and free text in the guise of an entry may hold, does
    not tell where it ends: a client's words in it can feign a key behind it. So behind such a value nothing is believed
    that klog would quote, and no key that is searched for by itself; the value reaches to the end instead.
    """
    values: list[_Value] = []
    doubtful: int | None = None
    while position < end:
        key = _KEY.match(record, position, end)
        value = None if key is None else _read_value(record, key, end)
        if doubtful is not None and (value is None or not _is_believed_behind_doubtful(value)):
            return [*values[:doubtful], values[doubtful]._replace(end=end)]
        if value is None or len(values) == _MOST_FIELDS:
            return None
        if value.kind in _DOUBTFUL and doubtful is None:
            if value.key in NAMED:
                return None
            doubtful = len(values)
        values.append(value)
        position = value.end
    return values


def _is_believed_behind_doubtful(value: _Value) -> bool:
    return value.kind in (_Kind.PLAIN, _Kind.DUMP) and value.key not in NAMED


def _read_value(record: str, key: re.Match[str], end: int) -> _Value | None:
    """The value behind a key; None where nothing stands there that klog can have written."""
    start = key.end()
    if plain := _PLAIN.match(record, start, end):
        return _Value(key["key"], start, plain.end(), _KINDS[plain.lastgroup or ""])
    if record.startswith(_OPENING, start, end):
        closed, kind = _json_end(record, start), _Kind.PLAIN
        if closed is None:
            closed, kind = _dump_end(record, start, end), _Kind.DUMP
        if closed is not None and (closed == end or record[closed] == " "):
            return _Value(key["key"], start, closed, kind)
        return _Value(key["key"], start, end, _Kind.CUT_OFF)
    if record.startswith("<\n", start, end) or (
        record.startswith('"', start, end) and QUOTED.match(record, start, end) is None
    ):
        return _Value(key["key"], start, end, _Kind.CUT_OFF)
    word = _WORD.match(record, start, end)
    return None if word is None else _Value(key["key"], start, word.end(), _Kind.WORD)


def _json_end(record: str, start: int) -> int | None:
    try:
        return _JSON.raw_decode(record, start)[1]
    except (ValueError, RecursionError):
        return None


def _dump_end(record: str, start: int, end: int) -> int | None:
    """Where the brackets that open at the beginning of a Go struct, map or list are closed again."""
    depth = 0
    for bracket in _BRACKET.finditer(record, start, end):
        depth += _depth_change(bracket[0])
        if bracket[0] == '"':
            return None
        if depth == 0:
            return bracket.end()
    return None


def _depth_change(bracket: str) -> int:
    if bracket in "[{(":
        return 1
    return -1 if bracket in "]})" else 0


def read_json_line(record: str) -> JsonObject | None:
    """The members of a record that is a JSON object, of one that was cut off the complete ones; None for any other."""
    if not record.startswith("{"):
        record = record[start_of(record) :]
        if not record.startswith("{"):
            return None
    try:
        members = read_json(record)
    except ValueError:
        masked = quote_masked(record)
        try:
            members = read_json(masked)
        except ValueError:
            members = read_leading_members(masked)
    return members if isinstance(members, dict) else None


class LineHeader(NamedTuple):
    """What the header of a line with named members consists of: the members' names, None for what it has not."""

    message: str | None
    time: str | None
    level: str | None
    caller: str | None


def header_of(members: Mapping[str, JsonValue]) -> LineHeader:
    """Which members are the header: klog's JSON, or what zap, slog, logrus, zerolog and others write."""
    if "level" in members and "time" in members and isinstance(members.get("msg"), str):
        return LineHeader("msg", "time", "level", "caller" if "caller" in members else None)  # as most lines have it
    names: dict[str, str] = {}
    for name in members:
        names.setdefault(name.lower(), name)
    texts = (names.get(name) for name in _MESSAGES)
    return LineHeader(
        message=next((name for name in texts if name is not None and isinstance(members[name], str)), None),
        time=_first(names, _TIMES),
        level=_first(names, _LEVELS),
        caller=_first(names, _CALLERS),
    )


def _first(names: Mapping[str, str], wanted: Sequence[str]) -> str | None:
    return next((names[name] for name in wanted if name in names), None)


def entry_of(members: Mapping[str, JsonValue], timestamp: int) -> KlogEntry | None:
    """The entry that named members are.

    Args:
        members: among them a message, and a level or a time.
        timestamp: the record's own time in ms since 1970.

    Returns:
        The entry; None where the members are no such line.
    """
    header = header_of(members)
    if header.message is None or (header.time is None and header.level is None):
        return None
    time = None if header.time is None else read_time(members[header.time], timestamp)
    file, line = (None, None) if header.caller is None else _caller(members[header.caller])
    own = {*header, "v"}
    return KlogEntry(
        severity=severity_of_members(members, header),
        message=str(members[header.message]).rstrip("\n"),
        time=None if time is None else iso(time),
        file=file,
        line=line,
        fields={name: text for name, value in members.items() if name not in own and (text := _member_text(value))},
    )


def severity_of_members(members: Mapping[str, JsonValue], header: LineHeader) -> str:
    """As the level says; klog's JSON has none: its errors are what has no verbosity (`v`)."""
    if header.level is not None:
        if known := severity_of(members[header.level]):
            return known
        levels = (severity_of(members.get(name)) for name in _LEVELS)
        return next(filter(None, levels), "INFO")
    time = members.get("ts")
    is_klogs = isinstance(time, int | float) and time >= _LEAST_MILLISECONDS
    return "ERROR" if is_klogs and "v" not in members else "INFO"


def _caller(caller: JsonValue) -> tuple[str | None, int | None]:
    if not isinstance(caller, str):
        return None, None
    file, colon, line = caller.rpartition(":")
    return (file, int(line)) if colon and line.isdecimal() and len(line) <= _LINE_DIGITS else (caller, None)


def _member_text(value: JsonValue) -> str | None:
    """A value as klog's text format shows it: object references as `namespace/name`."""
    if isinstance(value, dict) and value.keys() in _OBJECT_REF:
        return "/".join(map(str, (value[name] for name in ("namespace", "name") if name in value)))
    return as_keyword(value)
