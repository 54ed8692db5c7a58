"""The stack's bucket in S3: lists, reads, deletes and moves objects."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from eks_logs.errors import BucketNotUsable
from eks_logs.replay.contents import REPLAYED_PREFIX

# ListObjectsV2 gives at most so many keys at a time (Amazon S3 API Reference).
_LARGEST_PAGE = 1000
_GONE = "NoSuchKey"


class KeptBucket:
    """One bucket; every method raises BucketNotUsable where S3 refuses or does not answer.

    Args:
        client: boto3's for S3.
        name: of the bucket.
        page_size: how many keys are listed with one request.
    """

    def __init__(self, client: Any, name: str, page_size: int = _LARGEST_PAGE) -> None:  # noqa: ANN401 - untyped boto3
        self._client = client
        self._name = name
        self._page_size = page_size

    def keys(self) -> Iterator[tuple[str, datetime]]:
        """Every key, and when its object was last modified (UTC)."""
        with self._asked("list", "s3:ListBucket"):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._name, PaginationConfig={"PageSize": self._page_size}):
                yield from ((listed["Key"], listed["LastModified"]) for listed in page.get("Contents", []))

    def read(self, key: str) -> bytes | None:
        """An object's bytes; None where it is gone meanwhile."""
        with self._asked(f"read {key}", "s3:GetObject"):
            try:
                body = self._client.get_object(Bucket=self._name, Key=key)["Body"]
            except ClientError as error:
                if error.response["Error"]["Code"] == _GONE:
                    return None
                raise
            with body:
                content: bytes = body.read()
                return content

    def delete(self, key: str) -> None:
        """Delete an object; one that is gone already is no error."""
        with self._asked(f"delete {key}", "s3:DeleteObject"):
            self._client.delete_object(Bucket=self._name, Key=key)

    def move(self, key: str) -> None:
        """Copy an object to REPLAYED_PREFIX, and then delete it."""
        with self._asked(f"copy {key}", "s3:PutObject"):
            source = {"Bucket": self._name, "Key": key}
            self._client.copy_object(Bucket=self._name, Key=f"{REPLAYED_PREFIX}{key}", CopySource=source)
        self.delete(key)

    @contextmanager
    def _asked(self, action: str, right: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            said = " ".join(str(error).split())
            raise BucketNotUsable(
                f"S3 did not {action} in s3://{self._name}: {said}. Check --bucket (the stack's output "
                f"KeptBucketName), --profile, --region, and that the caller has the right {right}"
            ) from None
