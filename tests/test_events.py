import base64
import gzip
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tools import encode

EVENTS = encode.EVENTS

STREAM_PREFIX = {
    "api": "kube-apiserver",
    "audit": "kube-apiserver-audit",
    "authenticator": "authenticator",
    "cloudControllerManager": "cloud-controller-manager",
    "controllerManager": "kube-controller-manager",
    "scheduler": "kube-scheduler",
}
EVENT_FILES = sorted(EVENTS.glob("*.json"))
FIRST = datetime(2026, 11, 20, 9, tzinfo=UTC)
LAST = FIRST + timedelta(hours=1)
KLOG_HEADER = re.compile(r"[IWEF](?P<day>\d{4}) (?P<clock>[\d:]{8}\.\d{6}) +\d+ [\w.]+:\d+\] ")
LOGRUS_TIME = re.compile(r'time="(?P<second>[^"]+)"')
AUDIT_RECEIVED = re.compile(r'"requestReceivedTimestamp":"(?P<received>[^"]+)","stageTimestamp":"(?P<stage>[^"]+)"')


def records(*names: str) -> list[encode.LogEvent]:
    return [
        record for name in names for record in encode.decode(encode.read_event(EVENTS / f"{name}.json"))["logEvents"]
    ]


def moment(record: encode.LogEvent) -> datetime:
    return datetime.fromtimestamp(record["timestamp"] / 1000, UTC)


def to_milliseconds(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(EVENTS / "sources", tmp_path / "sources")
    encode.encode_all(tmp_path)
    return tmp_path


def test_committed_events_are_what_their_sources_say() -> None:
    assert {path.stem for path in EVENT_FILES} == {*STREAM_PREFIX, "control_message"}
    assert encode.stale(EVENTS) == []
    assert encode.main(["--check"]) == 0


@pytest.mark.parametrize("path", EVENT_FILES, ids=lambda path: path.stem)
def test_an_event_is_the_payload_lambda_receives(path: Path) -> None:
    event = json.loads(path.read_text())
    assert list(event) == ["awslogs"]
    assert list(event["awslogs"]) == ["data"]

    message = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"], validate=True)))

    envelope = ["messageType", "owner", "logGroup", "logStream", "subscriptionFilters", "logEvents"]
    assert list(message) == envelope
    for record in message["logEvents"]:
        assert {key: type(value) for key, value in record.items()} == {"id": str, "timestamp": int, "message": str}


@pytest.mark.parametrize(("name", "prefix"), STREAM_PREFIX.items())
def test_a_log_stream_is_named_as_eks_names_it(name: str, prefix: str) -> None:
    message = encode.decode(encode.read_event(EVENTS / f"{name}.json"))
    assert message["messageType"] == "DATA_MESSAGE"
    assert message["logGroup"] == "/aws/eks/shop-prod/cluster"
    assert re.fullmatch(prefix + r"-[0-9a-f]{32}", message["logStream"])


def test_the_control_message_names_no_log_stream() -> None:
    message = encode.decode(encode.read_event(EVENTS / "control_message.json"))
    assert (message["messageType"], message["logGroup"], message["logStream"]) == ("CONTROL_MESSAGE", "", "")


@pytest.mark.parametrize("path", EVENT_FILES, ids=lambda path: path.stem)
def test_records_stand_in_order_within_the_hour(path: Path) -> None:
    moments = [moment(record) for record in encode.decode(encode.read_event(path))["logEvents"]]
    assert moments == sorted(moments)
    assert moments[0] >= FIRST
    assert moments[-1] < LAST


def test_ids_are_56_digits_and_unique_across_files() -> None:
    ids = [record["id"] for record in records(*STREAM_PREFIX)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[1-9]\d{55}", event_id) for event_id in ids)


def test_klog_headers_agree_with_the_event_timestamps() -> None:
    klog = records("api", "controllerManager", "cloudControllerManager", "scheduler")
    headed = [(record, header) for record in klog if (header := KLOG_HEADER.match(record["message"]))]
    assert len(headed) >= 40
    for record, header in headed:
        written = datetime.strptime(f"2026{header['day']} {header['clock']}Z", "%Y%m%d %H:%M:%S.%f%z")
        assert moment(record) == to_milliseconds(written)


def test_klog_json_times_agree_with_the_event_timestamps() -> None:
    klog = records("api", "controllerManager", "scheduler")
    times = [(json.loads(text)["ts"], record) for record in klog if (text := record["message"]).startswith("{")]
    assert len(times) == 3
    assert all(int(ts) == record["timestamp"] for ts, record in times)


def test_authenticator_times_are_the_second_of_the_event_timestamps() -> None:
    timed = [(record, time) for record in records("authenticator") if (time := LOGRUS_TIME.match(record["message"]))]
    assert len(timed) == 16
    assert all(
        moment(record).replace(microsecond=0) == datetime.fromisoformat(time["second"]) for record, time in timed
    )


def test_audit_records_are_written_at_their_stage_after_the_request_came_in() -> None:
    timed = [(record, times) for record in records("audit") if (times := AUDIT_RECEIVED.search(record["message"]))]
    assert len(timed) == 75
    for record, times in timed:
        assert moment(record) == to_milliseconds(datetime.fromisoformat(times["stage"]))
        assert to_milliseconds(datetime.fromisoformat(times["received"])) <= moment(record)


def test_a_changed_source_is_reported(copied: Path) -> None:
    source = copied / "sources" / "scheduler.json"
    source.write_text(source.read_text().replace("default/my-app", "default/my-shop", 1))
    assert encode.stale(copied) == ["scheduler.json"]


def test_an_event_without_source_and_a_source_without_event_are_reported(copied: Path) -> None:
    (copied / "sources" / "api.json").unlink()
    (copied / "audit.json").unlink()
    assert encode.stale(copied) == ["api.json", "audit.json"]


def test_other_gzip_bytes_of_the_same_content_are_not_stale(copied: Path) -> None:
    path = copied / "api.json"
    content = gzip.decompress(base64.b64decode(encode.read_event(path)["awslogs"]["data"]))
    stored = base64.b64encode(gzip.compress(content, compresslevel=0, mtime=1)).decode()
    path.write_text(json.dumps({"awslogs": {"data": stored}}))
    assert encode.stale(copied) == []


def test_messages_are_escaped_as_the_control_plane_escapes_them() -> None:
    assert (
        encode.compact({"uri": "/api?a=1&b=<c>", "name": "ä"}) == r'{"uri":"/api?a=1\u0026b=\u003cc\u003e","name":"ä"}'
    )


@pytest.mark.parametrize("path", EVENT_FILES, ids=lambda path: path.stem)
def test_decoding_shows_the_source_again(path: Path) -> None:
    shown = json.loads(encode.readable(encode.decode(encode.read_event(path))))
    shown["logEvents"] = [{key: record[key] for key in ("timestamp", "message")} for record in shown["logEvents"]]
    assert shown == encode.read_source(EVENTS / "sources" / path.name)
