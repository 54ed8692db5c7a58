"""Every fault once, on one machine, and a table of where the records are afterwards."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.fault_run import Row, run_fault
from local.faults import FAULTS
from local.operators_tool import run_setup
from local.rig import open_rig, tell
from local.s3 import open_s3

_WIDTH = 120


def run_faults() -> int:
    """Run every fault and print what came of each.

    Returns:
        0 where no record is lost and none is there twice, else 1.
    """
    with open_rig() as rig, open_s3() as s3, tempfile.TemporaryDirectory(prefix="faults-") as folder:
        run_setup(rig, tell)
        rows = []
        for fault in FAULTS:
            tell(f"fault: {fault.name}")
            rows.append(run_fault(fault, rig, s3, Path(folder)))
    console = Console(width=_WIDTH)
    console.print(numbers_of(rows), words_of(rows))
    return judge(console, rows)


def numbers_of(rows: Sequence[Row]) -> Table:
    """Numbers of records, one row for each fault."""
    table = Table("fault", title="Where the records are after each fault")
    for name in (
        "broken requests",
        "records",
        "OpenSearch",
        "dead letters",
        "kept by Lambda",
        "lost",
        "twice",
        "invoked",
    ):
        table.add_column(name, justify="right")
    table.add_column("seconds", justify="right")
    for row in rows:
        numbers = (row.broken, row.sent, row.stored, row.dead_letters, row.kept, row.lost, row.twice, row.attempts)
        table.add_row(row.fault, *map(str, numbers), f"{row.seconds:.1f}")
    return table


def words_of(rows: Sequence[Row]) -> Table:
    """What the function said, one row for each fault."""
    table = Table("fault", title="What the function said", show_lines=True)
    table.add_column("log or error", overflow="fold")
    for row in rows:
        table.add_row(row.fault, Text(row.said))
    return table


def judge(console: Console, rows: Sequence[Row]) -> int:
    """Say whether every record is where it should be: 0 if so, else 1."""
    wrong = [row.fault for row in rows if row.lost or row.twice]
    if wrong:
        console.print(f"Records are lost or there twice: {', '.join(wrong)}.")
        return 1
    sent = sum(row.sent for row in rows)
    console.print(f"{len(rows)} faults, {sent} records: none is lost, and none is there twice.")
    return 0
