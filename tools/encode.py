"""Encode the readable subscription events of events/sources/ into the payloads Lambda receives.

    python -m tools.encode                             encode every source again
    python -m tools.encode --check                     exit 1 and name each event that differs from its source
    python -m tools.encode --decode events/api.json    print an event in the form of a source, with its ids

A source is the message CloudWatch Logs sends to a subscription, changed in three ways for the reader: timestamps are
ISO 8601, a message may also be a list of lines or a JSON object, and log events have no `id`.
An event is `{"awslogs": {"data": base64(gzip(json))}}`, the shape given in
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

import argparse
import base64
import gzip
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

EVENTS = Path(__file__).parent.parent / "events"
CONTROL_MESSAGE = "CONTROL_MESSAGE"
ID_DIGITS = 56  # the length of the ids that CloudWatch Logs gives log events
GO_ESCAPES = str.maketrans({"&": r"\u0026", "<": r"\u003c", ">": r"\u003e"})

Message = str | list[str] | dict[str, object]


class Subscription(TypedDict):
    """What a source and a delivered message share: who sends which log stream to which subscription."""

    messageType: str
    owner: str
    logGroup: str
    logStream: str
    subscriptionFilters: list[str]


class SourceLogEvent(TypedDict):
    """A record of a source: `timestamp` in ISO 8601, `message` as text, as lines or as a JSON object."""

    timestamp: str
    message: Message


class LogEvent(TypedDict):
    """A record as delivered: `timestamp` in milliseconds since 1970, `message` as text."""

    id: str
    timestamp: int
    message: str


class Source(Subscription):
    """A file of sources/."""

    logEvents: list[SourceLogEvent]


class Delivery(Subscription):
    """What an event holds once decoded."""

    logEvents: list[LogEvent]


class AwsLogsData(TypedDict):
    """The compressed message: base64 of gzip of JSON."""

    data: str


class SubscriptionEvent(TypedDict):
    """The payload Lambda hands to the function."""

    awslogs: AwsLogsData


def compact(value: Mapping[str, object]) -> str:
    """Write JSON as the control plane does: one line, key order kept, `&`, `<` and `>` escaped as Go's encoder does."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(GO_ESCAPES)


def message_text(message: Message) -> str:
    """Return the record's text: lines joined, a JSON object on one line."""
    if isinstance(message, str):
        return message
    return "\n".join(message) if isinstance(message, list) else compact(message)


def log_event_id(log_stream: str, timestamp: int, position: int) -> str:
    """Derive a 56-digit decimal id from the log stream, the timestamp in ms and the position in the source."""
    digest = hashlib.sha256(f"{log_stream}\n{timestamp}\n{position}".encode()).hexdigest()
    smallest: int = 10 ** (ID_DIGITS - 1)
    return str(smallest + int(digest, 16) % (9 * smallest))


def milliseconds(timestamp: str) -> int:
    """Convert an ISO 8601 time with a zone to milliseconds since 1970."""
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)


def deliver(source: Source) -> Delivery:
    """Turn a source into the message CloudWatch Logs sends. A control message's id is empty, as in real ones."""

    def log_event(position: int, record: SourceLogEvent) -> LogEvent:
        timestamp = milliseconds(record["timestamp"])
        is_control = source["messageType"] == CONTROL_MESSAGE
        event_id = "" if is_control else log_event_id(source["logStream"], timestamp, position)
        return {"id": event_id, "timestamp": timestamp, "message": message_text(record["message"])}

    return {**source, "logEvents": [log_event(*numbered) for numbered in enumerate(source["logEvents"])]}


def encode(delivery: Delivery) -> SubscriptionEvent:
    """Compress a message into the payload Lambda receives. The gzip header's time is 0, so that the bytes repeat."""
    text = json.dumps(delivery, ensure_ascii=False, separators=(",", ":"))
    return {"awslogs": {"data": base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()}}


def decode(event: SubscriptionEvent) -> Delivery:
    """Read the message back from a payload."""
    delivery: Delivery = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    return delivery


def readable_message(text: str) -> Message:
    """Return a message as a source would hold it: a JSON object parsed, several lines as a list, else the text."""
    if "\n" in text:
        return text.split("\n")
    try:
        parsed = json.loads(text)
    except ValueError:  # most records are no JSON, and a truncated one no longer is
        return text
    return parsed if isinstance(parsed, dict) else text


def iso(timestamp: int) -> str:
    """Write milliseconds since 1970 as a source does: 2026-11-20T09:12:31.123Z."""
    moment = datetime.fromtimestamp(timestamp / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def readable(delivery: Delivery) -> str:
    """Show a message in the form of a source, ids included."""
    records = [
        {"id": record["id"], "timestamp": iso(record["timestamp"]), "message": readable_message(record["message"])}
        for record in delivery["logEvents"]
    ]
    return json.dumps({**delivery, "logEvents": records}, ensure_ascii=False, indent=2)


def read_source(path: Path) -> Source:
    """Read a file of sources/."""
    source: Source = json.loads(path.read_text())
    return source


def read_event(path: Path) -> SubscriptionEvent:
    """Read an encoded event."""
    event: SubscriptionEvent = json.loads(path.read_text())
    return event


def encode_all(directory: Path) -> list[Path]:
    """Write `directory`/NAME.json for each `directory`/sources/NAME.json and return the paths written."""
    written = []
    for source_path in sorted((directory / "sources").glob("*.json")):
        event_path = directory / source_path.name
        event_path.write_text(json.dumps(encode(deliver(read_source(source_path))), indent=2) + "\n")
        written.append(event_path)
    return written


def stale(directory: Path) -> list[str]:
    """Name the events of `directory` that differ from their source, are missing, or have none.

    Decoded content is compared, not gzip bytes: these differ between versions of zlib.
    """
    sources = {path.name: path for path in (directory / "sources").glob("*.json")}
    events = {path.name: path for path in directory.glob("*.json")}
    current = {
        name
        for name in sources.keys() & events.keys()
        if decode(read_event(events[name])) == deliver(read_source(sources[name]))
    }
    return sorted((sources.keys() | events.keys()) - current)


def check(directory: Path) -> int:
    """Print what is stale in `directory`; return the exit status, 1 when anything is."""
    names = stale(directory)
    for name in names:
        print(f"events/{name} differs from events/sources/{name}: run python -m tools.encode", file=sys.stderr)
    return 1 if names else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(description="Encode events/sources/*.json into the events Lambda receives.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="exit 1 and name each event that differs from its source")
    mode.add_argument("--decode", metavar="FILE", type=Path, help="print an event in the form of a source, with ids")
    options = parser.parse_args(arguments)
    if options.check:
        return check(EVENTS)
    if options.decode:
        print(readable(decode(read_event(options.decode))))
    else:
        print(f"{len(encode_all(EVENTS))} events written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
