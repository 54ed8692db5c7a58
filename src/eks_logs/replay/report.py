"""What an operator sees of a replay: a bar on a terminal, else a line for each object, and the sum; or JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eks_logs.replay.contents import counted
from eks_logs.replay.objects import REPLAYED_PREFIX, BucketObject, shown
from eks_logs.replay.replayer import ObjectResult, Preview, Status, Totals


class ProgressReport:
    """Shows how a replay goes on, inside a `with` block.

    Args:
        console: where; whether it is a terminal decides what is shown.
        objects: how many there are to replay.
        quiet: whether to show nothing.
    """

    def __init__(self, console: Console, objects: int, *, quiet: bool = False) -> None:
        self._console = console
        self._quiet = quiet
        self._documents = 0
        self._bar = Progress(
            TextColumn("replaying"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("objects, {task.fields[documents]} documents"),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=objects, documents=0)

    def __enter__(self) -> Self:
        """Begin to show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()

    def add(self, result: ObjectResult) -> None:
        """One object is done; on a terminal it is worth a line only if somebody should know something of it."""
        self._documents += result.stored + result.already_there
        self._bar.update(self._task, advance=1, documents=self._documents)
        is_noteworthy = result.status is Status.LEFT or result.without_fields or result.already_in
        if not self._quiet and (is_noteworthy or not self._console.is_terminal):
            say(self._console, line_of(result))


def say(console: Console, line: str) -> None:
    """Print a line as it is, however long, but for what a terminal would obey."""
    console.print(shown(line), markup=False, highlight=False, soft_wrap=True)


def line_of(result: ObjectResult) -> str:
    """One line on an object."""
    key = result.found.key
    counts = f"{result.stored} stored, {result.already_there} already there"
    details = "".join(
        (
            f"; {_without_fields(result.without_fields)}" if result.without_fields else "",
            f"; of another rotation: {_already_in(result)}" if result.already_in else "",
        )
    )
    match result.status:
        case Status.LEFT:
            return f"left {key}: {result.reason}{details}"
        case Status.GONE:
            return f"gone {key}: another replay took it away meanwhile{details}"
        case Status.MOVED:
            return f"moved {key} to {REPLAYED_PREFIX}: {counts}{details}"
        case Status.DELETED:
            return f"deleted {key}: {counts}{details}"


def _without_fields(reasons: Mapping[str, int]) -> str:
    return f"{sum(reasons.values())} stored without their fields: {counted(reasons)}"


def _already_in(result: ObjectResult) -> str:
    return ", ".join(f"{number} in {name}" for name, number in sorted(result.already_in.items()))


def preview_line(preview: Preview) -> str:
    """One line on what would become of an object."""
    key = preview.found.key
    if preview.records is None:
        return line_of(ObjectResult(preview.found, Status.GONE))
    if preview.is_left and not preview.records:
        return f"left {key}: {preview.reason}"
    reason = f"; {preview.reason}" if preview.reason else ""
    return f"would replay {key}: {preview.found.kind.value}, {preview.records} records{reason}"


def summary(totals: Totals) -> str:
    """The sum of a replay."""
    line = (
        f"{totals.removed} objects removed, {totals.left} left; "
        f"documents: {totals.stored} stored, {totals.already_there} already there, {totals.refused} refused"
    )
    return shown(f"{line}; {_without_fields(totals.without_fields)}" if totals.without_fields else line)


def results_json(results: Sequence[ObjectResult]) -> str:
    """A replay for programs: each object, and the sum."""
    totals = Totals.of(results)
    return _json(
        dry_run=False,
        objects=[
            {
                **_object(result.found, result.status.value, result.reason),
                "stored": result.stored,
                "already_there": result.already_there,
                "already_in": dict(result.already_in),
                "without_fields": dict(result.without_fields),
                "refused": result.refused,
                "not_ours": dict(result.not_ours),
            }
            for result in results
        ],
        totals={
            "removed": totals.removed,
            "left": totals.left,
            "stored": totals.stored,
            "already_there": totals.already_there,
            "without_fields": sum(totals.without_fields.values()),
            "refused": totals.refused,
        },
    )


def previews_json(previews: Iterable[Preview]) -> str:
    """A dry run for programs: each object, and what would become of it."""
    return _json(
        dry_run=True,
        objects=[
            {
                **_object(preview.found, _preview_status(preview), preview.reason),
                "records": preview.records or 0,
                "not_ours": dict(preview.not_ours),
            }
            for preview in previews
        ],
    )


def _preview_status(preview: Preview) -> str:
    if preview.records is None:
        return Status.GONE.value
    return Status.LEFT.value if preview.is_left else "would replay"


def _object(found: BucketObject, status: str, reason: str = "") -> dict[str, Any]:
    return {"key": found.key, "kind": found.kind.value, "status": status, "reason": reason}


def _json(**content: object) -> str:
    return json.dumps(content, indent=2)
