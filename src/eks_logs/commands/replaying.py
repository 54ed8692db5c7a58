"""`replay`: send again what the stack's bucket holds."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime

import click
from rich.console import Console

from eks_logs.commands.connection import Connection, connected, required
from eks_logs.commands.target import rotated, rotation_of
from eks_logs.errors import UnreadableObject
from eks_logs.kept_bucket import KeptBucket
from eks_logs.kept_objects import KeptObject, Period, beginning_of, choose, end_of
from eks_logs.replay import Fate, ObjectReader, Replay, Result, check_reachable
from eks_logs.replay_report import Report, line_of, preview_line, say, summary
from forwarder.index_names import Index
from forwarder.opensearch import OpenSearchClient
from forwarder.settings import EVENT, GENERATED

_MOST_BYTES = 1_000_000_000


def _time(read: Callable[[str], datetime]) -> Callable[[click.Context, click.Parameter, str | None], datetime | None]:
    """An option's callback that reads a date or a time."""

    def callback(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
        try:
            return None if value is None else read(value)
        except (ValueError, OverflowError):
            raise click.BadParameter("is neither a date (2026-11-20) nor a time (2026-11-20T12:00Z)") from None

    return callback


@click.command("replay")
@connected
@click.option("--bucket", help="The stack's output KeptBucketName")
@click.option("--since", callback=_time(beginning_of), help="Only what was kept from this date or time on (UTC)")
@click.option("--until", callback=_time(end_of), help="Only what was kept before this time, or to the end of this date")
@rotated
@click.option(
    "--document-ids",
    type=click.Choice((EVENT, GENERATED)),
    help="The stack's DocumentIds  [default: event]; `generated` for a time-series collection of OpenSearch "
    "Serverless, which refuses ids: what is there already, as of a replay that was interrupted, is then stored twice",
)
@click.option(
    "--max-object-bytes",
    type=click.IntRange(1_000_000, _MOST_BYTES),
    default=256_000_000,
    show_default=True,
    help="How much JSON an object may inflate to; it takes some times as much memory",
)
@click.option("--keep", is_flag=True, help="Move objects to replayed/ in the bucket, and delete none")
@click.option("--dry-run", is_flag=True, help="List what would be replayed; send nothing, remove nothing")
def replay_command(  # noqa: PLR0913 - one parameter for each option
    connection: Connection,
    *,
    bucket: str | None,
    since: datetime | None,
    until: datetime | None,
    rotation: str | None,
    document_ids: str | None,
    max_object_bytes: int,
    keep: bool,
    dry_run: bool,
) -> None:
    """Send again what could not be stored: the dead letters and failed events in the stack's bucket.

    An object is removed once OpenSearch has each of its documents; documents that are there already are not stored
    twice. What OpenSearch still refuses stays, with the reason, and the command ends with status 1. Interrupt it as you
    like, and run it again to go on.

    Events go to --index and --rotation; give those of the stack, or what is stored already is not found there. Dead
    letters go to the index that they name.

    OpenSearch's caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, else the AWS credentials of
    --profile or of the environment, which S3 is asked with in any case: s3:ListBucket, s3:GetObject, s3:DeleteObject,
    and s3:PutObject for --keep.
    """
    of_stack = connection.stack.kept_bucket if connection.stack else None
    kept_bucket = KeptBucket(connection.s3(), required("--bucket", bucket, of_stack))
    chosen = choose(kept_bucket.keys(), Period(since, until))
    if not chosen:
        click.echo("nothing to replay")
        return
    index = Index(
        connection.index, rotation_of(connection, rotation), event_ids=_ids(connection, document_ids) == EVENT
    )
    reader = ObjectReader(kept_bucket, index, max_object_bytes)
    left = _preview(reader, chosen) if dry_run else _replay(reader, connection, chosen, keep=keep)
    if left:
        click.get_current_context().exit(1)


def _ids(connection: Connection, given: str | None) -> str:
    return given or (connection.stack.document_ids if connection.stack else EVENT)


def _replay(reader: ObjectReader, connection: Connection, chosen: Sequence[KeptObject], *, keep: bool) -> int:
    """Replay objects; how many are left."""
    client = OpenSearchClient(connection.endpoint, connection.caller(os.environ), connection.ca_file)
    check_reachable(client)
    replay = Replay(reader, client, keep=keep)
    report = Report(Console(), len(chosen))
    try:
        with report:
            for kept in chosen:
                report.add(replay.replay(kept))
    finally:
        click.echo(summary(report.tally))
    return report.tally.left


def _preview(reader: ObjectReader, chosen: Sequence[KeptObject]) -> int:
    """List objects; how many would be left for certain."""
    console, left = Console(), 0
    for kept in chosen:
        try:
            contents = reader.contents(kept)
        except UnreadableObject as error:
            left += 1
            say(console, line_of(Result(kept, Fate.LEFT, reason=str(error))))
        else:
            say(console, preview_line(kept, contents) if contents else line_of(Result(kept, Fate.GONE)))
    return left
