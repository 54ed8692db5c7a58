"""What an operator sees of a replay: a bar on a terminal, else a line for each object, and the sum."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eks_logs.replay.contents import REPLAYED_PREFIX, Contents, KeptObject
from eks_logs.replay.replayer import Fate, Result, Tally


class Report:
    """Shows how a replay goes on, inside a `with` block.

    Args:
        console: where; whether it is a terminal decides what is shown.
        objects: how many there are to replay.
    """

    def __init__(self, console: Console, objects: int) -> None:
        self.tally = Tally()
        self._console = console
        self._bar = Progress(
            TextColumn("replaying"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("objects, {task.fields[documents]} documents"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
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

    def add(self, result: Result) -> None:
        """One object is done; on a terminal only one that stays is worth a line."""
        self.tally = self.tally.plus(result)
        self._bar.update(self._task, advance=1, documents=self.tally.stored + self.tally.duplicate)
        if result.fate is Fate.LEFT or not self._console.is_terminal:
            say(self._console, line_of(result))


def say(console: Console, line: str) -> None:
    """Print a line as it is, however long."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def line_of(result: Result) -> str:
    """One line on an object."""
    key = shown(result.kept.key)
    match result.fate:
        case Fate.LEFT:
            return f"left {key}: {result.reason}"
        case Fate.GONE:
            return f"gone {key}: somebody else removed it meanwhile"
    where = f" to {REPLAYED_PREFIX}" if result.fate is Fate.MOVED else ""
    return f"{result.fate.value} {key}{where}: {result.stored} stored, {result.duplicate} already there"


def preview_line(kept: KeptObject, contents: Contents) -> str:
    """One line on what would be replayed."""
    reason = f"; {contents.reason}" if contents.reason else ""
    return f"would replay {shown(kept.key)}: {kept.kind.value}, {contents.records} records{reason}"


def shown(key: str) -> str:
    """A key without characters that a terminal would obey."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in key)


def summary(tally: Tally) -> str:
    """The sum of a replay."""
    return (
        f"{tally.removed} objects removed, {tally.left} left; "
        f"documents: {tally.stored} stored, {tally.duplicate} already there, {tally.refused} refused"
    )
