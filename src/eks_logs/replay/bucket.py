"""The stack's bucket in S3: lists, reads, deletes and moves objects.

Several replays may run at once: an object that another one took away is no error; None or False says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from eks_logs.errors import BucketNotUsable
from eks_logs.replay.objects import IN_PROGRESS_PREFIX, REPLAYED_PREFIX, shown

# ListObjectsV2 gives at most so many keys at a time (Amazon S3 API Reference).
_LARGEST_PAGE = 1000
# What S3 answers for an object that is not there, and to a PUT with If-None-Match for one that is, or just comes to be
# (Amazon S3 User Guide, "How to prevent object overwrites with conditional writes").
_NOT_THERE = "NoSuchKey"
_THERE = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


class Bucket:
    """One bucket; every method raises BucketNotUsable where S3 refuses or does not answer.

    Args:
        client: boto3's for S3.
        name: of the bucket.
        page_size: how many keys are listed with one request.
    """

    def __init__(self, client: BaseClient, name: str, page_size: int = _LARGEST_PAGE) -> None:
        self._client = client
        self._name = name
        self._page_size = page_size

    def keys(self) -> Iterator[tuple[str, datetime]]:
        """Every key, and when its object was last modified (UTC)."""
        with self._calling("list", "s3:ListBucket"):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._name, PaginationConfig={"PageSize": self._page_size}):
                yield from ((listed["Key"], listed["LastModified"]) for listed in page.get("Contents", []))

    def read(self, key: str) -> bytes | None:
        """An object's bytes; None where it is gone."""
        with self._calling(f"read {key}", "s3:GetObject"):
            try:
                body = self._client.get_object(Bucket=self._name, Key=key)["Body"]
            except ClientError as error:
                if error.response["Error"]["Code"] == _NOT_THERE:
                    return None
                raise
            with body:
                content: bytes = body.read()
                return content

    def delete(self, key: str) -> None:
        """Delete an object; one that is gone is no error."""
        with self._calling(f"delete {key}", "s3:DeleteObject"):
            self._client.delete_object(Bucket=self._name, Key=key)

    def move(self, key: str) -> bool:
        """Copy an object to REPLAYED_PREFIX, and then delete it; False where it is gone."""
        with self._calling(f"copy {key}", "s3:PutObject"):
            source = {"Bucket": self._name, "Key": key}
            try:
                self._client.copy_object(Bucket=self._name, Key=f"{REPLAYED_PREFIX}{key}", CopySource=source)
            except ClientError as error:
                if error.response["Error"]["Code"] == _NOT_THERE:
                    return False
                raise
        self.delete(key)
        return True

    def begin(self, key: str) -> bool:
        """Say below IN_PROGRESS_PREFIX that an object is in work; False where another replay has said so."""
        with self._calling(f"write {IN_PROGRESS_PREFIX}{key}", "s3:PutObject"):
            try:
                self._client.put_object(Bucket=self._name, Key=f"{IN_PROGRESS_PREFIX}{key}", Body=b"", IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"]["Code"] in _THERE:
                    return False
                raise
        return True

    def end(self, key: str) -> None:
        """Take back what `begin` said."""
        self.delete(f"{IN_PROGRESS_PREFIX}{key}")

    @contextmanager
    def _calling(self, action: str, right: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            answer = " ".join(str(error).split())
            raise BucketNotUsable(
                f"S3 did not {shown(action)} in s3://{self._name}: {shown(answer)}. Check --bucket (the "
                f"stack's output KeptBucketName), --profile, --region, and that the caller has the right {right}"
            ) from None
