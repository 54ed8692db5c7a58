"""What log libraries say in front of a message, in their own ways: how severe it is, and when.

Sources: go.uber.org/zap, zapcore/level.go and encoder.go (EpochTimeEncoder: seconds as a float; also ms and ns);
sirupsen/logrus, logrus.go (levels); log/slog, level.go (`DEBUG-4`, `ERROR+2`); OpenTelemetry, otelzap (zap's DPanic is
fatal).
"""

import re
from datetime import UTC, datetime, timedelta

from forwarder.json_values import JsonValue

# CloudWatch Logs takes no record that is older (PutLogEvents): the time in a line that is further away from the
# record's own is of another year or another unit, or the writer's clock was not set.
FURTHEST = timedelta(days=14)

_SEVERITIES = {
    **dict.fromkeys(("trace", "debug", "info", "information", "notice"), "INFO"),
    **dict.fromkeys(("warn", "warning"), "WARNING"),
    **dict.fromkeys(("err", "error"), "ERROR"),
    **dict.fromkeys(("dpanic", "panic", "fatal", "critical", "crit", "alert", "emerg", "emergency"), "FATAL"),
}
_LEVEL = re.compile(r"\s*+(?P<name>[a-z]++)(?:[+-]\d++)?\s*+", re.IGNORECASE)
_EPOCH = re.compile(r"[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE]\+?[0-9]{1,2})?")
_LONGEST_TIME = 64
_FURTHEST_MILLISECONDS = FURTHEST / timedelta(milliseconds=1)


def severity_of(level: JsonValue) -> str | None:
    """INFO, WARNING, ERROR or FATAL for the name of a level, in letters of either case; None for anything else."""
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


def _read_iso(text: str, timestamp: int) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return if_near(time, timestamp)


def if_near(time: datetime, timestamp: int) -> datetime | None:
    """The time, unless it is further away from the record's own, in ms since 1970, than FURTHEST."""
    return time if abs(time.timestamp() * 1000 - timestamp) <= _FURTHEST_MILLISECONDS else None


def iso(time: datetime) -> str:
    """A time in UTC as documents have it, to the microsecond."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
