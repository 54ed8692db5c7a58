"""What log libraries say in front of a message, in their own ways: how severe it is, and when.

Sources: go.uber.org/zap, zapcore/level.go and encoder.go (EpochTimeEncoder: seconds as a float; also ms and ns) and
console_encoder.go (time, level, logger, caller and message, parted by tabs); sirupsen/logrus, logrus.go (levels) and
text_formatter.go (on a terminal `ERRO[0007] message`); log/slog, level.go (`DEBUG-4`, `ERROR+2`); rs/zerolog,
console.go (`ERR`, `FTL`); bunyan and pino (levels 10 to 60); OpenTelemetry, otelzap (zap's DPanic is fatal); Go,
runtime/panic.go, runtime/signal_unix.go and net/http, server.go; Python, logging and traceback.
"""

import re
from datetime import UTC, datetime, timedelta

from forwarder.json_values import JsonValue

# CloudWatch Logs takes no record that is older (PutLogEvents): the time in a line that is further away from the
# record's own is of another year or another unit, or the writer's clock was not set.
FURTHEST = timedelta(days=14)

_SEVERITIES = {
    **dict.fromkeys(("trace", "debug", "info", "information", "notice", "verbose"), "INFO"),
    **dict.fromkeys(("trac", "debu", "trc", "dbg", "inf", "i"), "INFO"),
    **dict.fromkeys(("warn", "warning", "wrn", "w"), "WARNING"),
    **dict.fromkeys(("err", "error", "erro", "eror", "severe", "e"), "ERROR"),
    **dict.fromkeys(("dpanic", "panic", "fatal", "critical", "crit", "alert", "emerg", "emergency"), "FATAL"),
    **dict.fromkeys(("pani", "fata", "ftl", "pnc", "f"), "FATAL"),
}
_NUMBERED = {10: "INFO", 20: "INFO", 30: "INFO", 40: "WARNING", 50: "ERROR", 60: "FATAL"}
_LEVEL = re.compile(r"\s*+(?P<name>[a-z]++)(?:[+-]\d++)?\s*+", re.IGNORECASE)
_EPOCH = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE]\+?[0-9]{1,2})?")
_LONGEST_TIME = 64
_FURTHEST_MILLISECONDS = FURTHEST / timedelta(milliseconds=1)


# In front of a header: blanks and byte order marks, also one that was read in another encoding. No tab: with one begin
# the further lines of a value, in which a client may have written anything.
_IN_FRONT = re.compile(r"(?:[ \r\n\0\ufeff\ufffe\u200b]|\u00ef\u00bb\u00bf)*+")
# How most records begin.
_USUAL = frozenset("IWEF{t")
_COLOUR = r"(?:\x1b\[[0-9;]*+m)*+"
_DATE = r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9}+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
_CLOCK = rf"\[?(?:{_DATE}|\d{{1,2}}:\d\d(?::\d\d)?(?:[AP]M)?|\d{{1,19}}(?:\.\d{{1,19}})?(?:e\+\d\d)?(?=\t))\]?"
_BEFORE_LEVEL = rf"{_COLOUR}(?:{_CLOCK}{_COLOUR}(?P<tab>\t)?[ ]*+(?:\[\d{{1,9}}\]|- [\w.-]{{1,100}} - )?)?{_COLOUR}"
_LEVEL_OF_LINE = re.compile(
    rf"{_BEFORE_LEVEL}(?:\[[ ]?(?P<bracketed>[A-Za-z]{{3,9}})[ ]?\]|(?P<capital>[A-Z]{{3,9}}){_COLOUR}(?=[\s:\[|]|\Z)"
    rf"|(?P<tabbed>[a-z]{{4,7}}){_COLOUR}(?=\t)|(?P<word>[Ee]rror|[Ww]arning|[Ff]atal|[Cc]ritical):(?=\s))"
)
_CRASH = re.compile(
    rf"\s*+{_BEFORE_LEVEL}(?:(?:panic|fatal error|fatal):\s|\[signal SIG[A-Z]|SIG(?:ABRT|BUS|FPE|ILL|QUIT|SEGV|TRAP): "
    r"|unexpected fault address |runtime: (?:goroutine stack exceeds|out of memory|failed to create new OS thread)"
    r"|signal arrived during |Segmentation fault)"
)
# What went on behind a crash of a part.
_ERROR = re.compile(
    rf"\s*+{_BEFORE_LEVEL}(?:http2?: panic serving |(?:Observed a|[Rr]ecovered from(?: a)?|[Rr]ecovered) panic\b"
    r"|Traceback \(most recent call last\):|Exception in thread )"
)


def start_of(record: str) -> int:
    """Where a record begins behind blanks and byte order marks."""
    if record[:1] in _USUAL:
        return 0
    found = _IN_FRONT.match(record)
    return found.end() if found else 0


def line_severity(record: str) -> str | None:
    """How severe a line is that has no fields, by a level at its beginning or the words of a crash; None for others."""
    start = start_of(record)
    if _CRASH.match(record, start):
        return "FATAL"
    if _ERROR.match(record, start):
        return "ERROR"
    level = _LEVEL_OF_LINE.match(record, start)
    if level is None or (level["tabbed"] and not level["tab"]):
        return None
    return severity_of(level["bracketed"] or level["capital"] or level["tabbed"] or level["word"])


def severity_of(level: JsonValue) -> str | None:
    """INFO, WARNING, ERROR or FATAL for the name of a level, in letters of either case; None for anything else."""
    if isinstance(level, int) and not isinstance(level, bool):
        return _NUMBERED.get(level)
    name = _LEVEL.fullmatch(level) if isinstance(level, str) else None
    return None if name is None else _SEVERITIES.get(name["name"].lower())


def read_time(value: JsonValue, timestamp: int) -> datetime | None:
    """A time in a line: ISO 8601, without an offset in UTC, or seconds, milli-, micro- or nanoseconds since 1970.

    Args:
        value: the time; of a number the unit is the one that brings it nearest to the record's own time.
        timestamp: the record's own time in ms since 1970.

    Returns:
        The time in UTC; None where it is none, or further away from the record's own than FURTHEST.
    """
    if isinstance(value, str):
        value = value.strip() if len(value) <= _LONGEST_TIME else ""
        if not _EPOCH.fullmatch(value):
            return _read_iso(value, timestamp)
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    of_each_unit = (value * 1000, value, value / 1000, value / 1_000_000)
    milliseconds = min(of_each_unit, key=lambda time: abs(time - timestamp))
    if not abs(milliseconds - timestamp) <= _FURTHEST_MILLISECONDS:
        return None
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)


# As Go prints a time without being told how: `2026/11/20 09:12:31`, `2026-11-20 09:12:31.123 +0000 UTC m=+0.01`.
_SLASHES = re.compile(r"(\d{4})/(\d\d)/(\d\d)(?=[T ])")
_ZONE = re.compile(r" ?(?:(?P<offset>[+-]\d\d:?\d\d)(?: [A-Z]{3,4})?|UTC|GMT)(?: m=[+-][\d.]+)?\Z")


def _read_iso(text: str, timestamp: int) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        try:
            time = datetime.fromisoformat(_ZONE.sub(_offset, _SLASHES.sub(r"\1-\2-\3", text)))
        except ValueError:
            return None
    try:
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        return None
    return if_near(time, timestamp)


def _offset(zone: re.Match[str]) -> str:
    return zone["offset"] or "Z"


def if_near(time: datetime, timestamp: int) -> datetime | None:
    """The time, unless it is further away from the record's own, in ms since 1970, than FURTHEST."""
    return time if abs(time.timestamp() * 1000 - timestamp) <= _FURTHEST_MILLISECONDS else None


def iso(time: datetime) -> str:
    """A time in UTC as documents have it, to the microsecond."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
