"""The right values are the ones that the libraries' own documentation gives, for one moment written in many ways."""

from typing import Any

import pytest

from forwarder.log_headers import iso, read_time, severity_of
from tests.payloads import TIMESTAMP

DAY = 86_400_000


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        *[(level, "INFO") for level in ("debug", "info", "DEBUG", "Info", "trace", "DEBUG-4", "INFO+2", " info ")],
        *[(level, "WARNING") for level in ("warn", "warning", "WARN", "Warning")],
        *[(level, "ERROR") for level in ("error", "ERROR", "Error", "err", "ERROR+4")],
        *[(level, "FATAL") for level in ("dpanic", "panic", "fatal", "FATAL", "DPanic")],
        *[
            (level, None)
            for level in ("", "loud", "error!", 0, -1, None, True, ["error"], {"error": "error"}, "Metadata")
        ],
    ],
)
def test_a_level_is_a_severity(level: Any, severity: str | None) -> None:
    assert severity_of(level) == severity


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20T09:12:31.123Z",
        "2026-11-20T09:12:31.123000000Z",
        "2026-11-20T09:12:31.123+0000",
        "2026-11-20T10:12:31.123+01:00",
        "2026-11-20T03:42:31.123-0530",
        "2026-11-20 09:12:31.123",
        "2026-11-20T09:12:31.123",
        1795165951.123,
        1795165951123,
        1795165951123.0,
        1795165951123000,
        1795165951123000000,
        "1795165951.123",
        "1795165951123",
        "1.795165951123e9",
        "1.795165951123e+09",
    ],
)
def test_a_time_is_read_in_whichever_unit_is_near(written: Any) -> None:
    time = read_time(written, TIMESTAMP)
    assert time is not None
    assert iso(time) == "2026-11-20T09:12:31.123000Z"


@pytest.mark.parametrize(
    "written",
    [
        *("1970-01-01T00:00:00Z", "2025-11-20T09:12:31Z", "2027-11-20T09:12:31Z", "2026-13-01T00:00:00Z"),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "yesterday", "", "2026", "1" * 100_000, "1e99"),
        *(
            0,
            1,
            -1795165951,
            1e300,
            2**63,
            17951659511230000000,
            True,
            None,
            [1795165951],
            {},
            float("inf"),
            float("nan"),
        ),
    ],
)
def test_a_time_that_cannot_be_right_is_none(written: Any) -> None:
    assert read_time(written, TIMESTAMP) is None


@pytest.mark.parametrize("written", [TIMESTAMP, TIMESTAMP / 1000, "2026-11-20T09:12:31.123Z"])
def test_a_time_is_believed_up_to_fourteen_days_from_the_records_own(written: Any) -> None:
    believed = {days: read_time(written, TIMESTAMP + days * DAY) is not None for days in (-15, -13, 0, 13, 15)}
    assert believed == {-15: False, -13: True, 0: True, 13: True, 15: False}


@pytest.mark.parametrize("timestamp", [0, 253_402_300_799_999])
def test_any_time_is_compared_with_any_record(timestamp: int) -> None:
    for written in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", 0, 1e18, "1970-01-01T00:00:00+01:00"):
        read_time(written, timestamp)
