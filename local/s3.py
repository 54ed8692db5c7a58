"""S3 on one machine, and what the function and Lambda have put into a bucket there."""

import gzip
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto.server import ThreadedMotoServer

from local.rig import REGION

DEAD_LETTERS = "dead-letters/"
FAILED_EVENTS = "aws/lambda/async/"


@dataclass(frozen=True)
class S3Server:
    """A running S3.

    Attributes:
        url: What a client is given as its endpoint.
        client: One of them.
    """

    url: str
    client: Any

    def new_bucket(self, name: str) -> "FailureBucket":
        """Make a bucket."""
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return FailureBucket(name, self.client)


@dataclass(frozen=True)
class FailureBucket:
    """A bucket for what could not be stored, as the stack makes one."""

    name: str
    client: Any

    def put(self, key: str, content: object) -> None:
        """Put an object in JSON, as Lambda does."""
        self.client.put_object(Bucket=self.name, Key=key, Body=json.dumps(content).encode())

    def dead_letters(self) -> list[Any]:
        """Every line of every object with refused documents."""
        bodies = (gzip.decompress(body) for body in self._bodies(DEAD_LETTERS))
        return [json.loads(line) for body in bodies for line in body.splitlines()]

    def failed_events(self) -> list[Any]:
        """The events that Lambda gave up, as the function got them."""
        return [json.loads(body)["requestPayload"] for body in self._bodies(FAILED_EVENTS)]

    def _bodies(self, prefix: str) -> Iterator[bytes]:
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
            for found in page.get("Contents", []):
                with self.client.get_object(Bucket=self.name, Key=found["Key"])["Body"] as body:
                    yield body.read()


@contextmanager
def open_s3() -> Iterator[S3Server]:
    """Run an S3 (moto's) in this process for as long as the block lasts."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it would tell of every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        identity = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = boto3.client("s3", endpoint_url=url, region_name=REGION, **identity)
        yield S3Server(url, client)
        client.close()
    finally:
        server.stop()
