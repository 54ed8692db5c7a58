"""Pairs of a record and its document, as files that a person can read; written from the formats' definitions."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "golden"
OWNER = "111122223333"
REGION = "eu-west-1"
LOG_GROUP = "/aws/eks/shop-test/cluster"


@dataclass(frozen=True)
class Pair:
    """A record and the whole document that it becomes."""

    name: str
    log_stream: str
    timestamp: int
    record: str
    document: dict[str, Any]


def pairs() -> list[Pair]:
    """Every pair of the folder."""
    return [_pair(path) for path in sorted(FOLDER.glob("*.json"))]


def _pair(path: Path) -> Pair:
    content = json.loads(path.read_text())
    record = content["record"]
    text = record if isinstance(record, str) else json.dumps(record)
    always = {
        "@id": path.stem,
        "@timestamp": content["timestamp"],
        "@message": content.get("message_after", text),
        "@owner": OWNER,
        "@log_group": LOG_GROUP,
        "@log_stream": content["log_stream"],
        "cluster": "shop-test",
        "region": REGION,
        "record_bytes": len(text.encode()),
    }
    timestamp = round(datetime.fromisoformat(content["timestamp"]).timestamp() * 1000)
    return Pair(path.stem, content["log_stream"], timestamp, text, always | content["document"])
