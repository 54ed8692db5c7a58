"""`replay`: send again what the stack's bucket holds."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime

import click
from rich.console import Console

from eks_logs.commands.connection import Connection, connected, required
from eks_logs.commands.target import rotated, rotation_of
from eks_logs.errors import NotUsable
from eks_logs.replay.bucket import Bucket
from eks_logs.replay.contents import ContentReader
from eks_logs.replay.duplicates import SKIP_OPTION, DuplicateCheck
from eks_logs.replay.objects import BucketObject, Period, beginning_of, end_of, select
from eks_logs.replay.replayer import (
    ObjectResult,
    Preview,
    Replayer,
    Totals,
    check_reachable,
    preview,
)
from eks_logs.replay.report import (
    ProgressReport,
    preview_line,
    previews_json,
    results_json,
    say,
    summary,
)
from forwarder.delivery.client import OpenSearchClient
from forwarder.index_names import Index
from forwarder.redaction import Redactor
from forwarder.redaction.own_rules import names_of, patterns_of
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
@click.option("--since", callback=_time(beginning_of), help="Only what was written from this date or time on (UTC)")
@click.option(
    "--until", callback=_time(end_of), help="Only what was written before this time, or to the end of this date"
)
@rotated
@click.option(
    "--document-ids",
    type=click.Choice((EVENT, GENERATED)),
    help="The stack's DocumentIds  [default: event]; `generated` for a time-series collection of OpenSearch "
    "Serverless, which refuses ids: what is there already, as of a replay that was interrupted, is then stored twice",
)
@click.option("--redact-names", help="The stack's RedactNames, for the records of failed events")
@click.option("--redact-patterns", help="The stack's RedactPatterns, for the records of failed events")
@click.option(
    "--max-object-bytes",
    type=click.IntRange(1_000_000, _MOST_BYTES),
    default=256_000_000,
    show_default=True,
    help="How much JSON an object may inflate to; it takes some times as much memory",
)
@click.option("--keep", is_flag=True, help="Move objects to replayed/ in the bucket, and delete none")
@click.option(
    SKIP_OPTION,
    is_flag=True,
    help="Do not look for records in indices of another rotation, which needs the right to read them",
)
@click.option("--dry-run", is_flag=True, help="List what would be replayed; send nothing, remove nothing")
@click.option("--json", "as_json", is_flag=True, help="Print JSON")
def replay_command(
    connection: Connection,
    *,
    bucket: str | None,
    since: datetime | None,
    until: datetime | None,
    rotation: str | None,
    document_ids: str | None,
    redact_names: str | None,
    redact_patterns: str | None,
    max_object_bytes: int,
    keep: bool,
    skip_duplicate_check: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send again what could not be stored: the dead letters and failed events in the stack's bucket.

    An object is removed once OpenSearch has each of its documents; documents that are there already are not stored
    twice, also where IndexRotation was changed since. What OpenSearch still refuses stays, with the reason, and the
    command ends with status 1. Interrupt it as you like, and run it again to go on.

    Events go to --index and --rotation; give those of the stack. Dead letters go to the index that they name, if it is
    one of --index; others are left in the bucket.

    OpenSearch's caller is the user of OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, else the AWS credentials of
    --profile or of the environment, which S3 is asked with in any case: s3:ListBucket, s3:GetObject, s3:DeleteObject,
    and s3:PutObject for --keep and for --document-ids generated.
    """
    stack = connection.stack
    source = Bucket(connection.s3(), required("--bucket", bucket, stack.dead_letter_bucket if stack else None))
    objects = select(source.keys(), Period(since, until))
    ids = document_ids or (stack.document_ids if stack else EVENT)
    reader = ContentReader(
        Index(connection.index, rotation_of(connection, rotation), event_ids=ids == EVENT),
        max_object_bytes,
        _redactor(
            redact_names if redact_names is not None or not stack else stack.redact_names,
            redact_patterns if redact_patterns is not None or not stack else stack.redact_patterns,
        ),
        region=connection.region or "",
        # A bucket may be that of several stacks; one that is named is meant as it is.
        function=stack.function_name if stack and not bucket else "",
    )
    if dry_run:
        left = _preview(source, reader, objects, as_json=as_json)
    elif objects:
        auth = connection.caller(os.environ)
        client = OpenSearchClient(connection.endpoint, auth, connection.ca_file)
        check_reachable(client)
        duplicates = None if skip_duplicate_check else DuplicateCheck(connection.client(auth), reader.index)
        left = _replay(Replayer(source, reader, client, duplicates, keep=keep), objects, as_json=as_json)
    else:
        left = 0
        click.echo(results_json([]) if as_json else "nothing to replay")
    if left:
        click.get_current_context().exit(1)


def _redactor(names: str | None, patterns: str | None) -> Redactor:
    try:
        return Redactor(names_of(names or ""), patterns_of(patterns or ""))
    except ValueError as problem:
        raise NotUsable(f"--redact-names or --redact-patterns {problem}") from None


def _replay(replayer: Replayer, objects: Sequence[BucketObject], *, as_json: bool) -> int:
    """Replay objects; how many are left."""
    results: list[ObjectResult] = []
    try:
        with ProgressReport(Console(), len(objects), quiet=as_json) as report:
            for found in objects:
                results.append(replayer.replay(found))
                report.add(results[-1])
    finally:
        totals = Totals.of(results)
        click.echo(results_json(results) if as_json else summary(totals))
    return totals.left


def _preview(bucket: Bucket, reader: ContentReader, objects: Sequence[BucketObject], *, as_json: bool) -> int:
    """List objects; how many would be left for certain."""
    console = Console()
    previews: list[Preview] = []
    for found in objects:
        previews.append(preview(bucket, reader, found))
        if not as_json:
            say(console, preview_line(previews[-1]))
    if as_json:
        click.echo(previews_json(previews))
    elif not previews:
        click.echo("nothing to replay")
    return sum(one.is_left for one in previews)
