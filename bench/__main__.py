"""`python -m bench`: every benchmark, one table each; `--help` lists them."""

import gc

import click
from rich.console import Console
from rich.table import Table

from bench.against import ratios
from bench.cpu import RUNS, Cost, cost, peak_megabytes, stages
from bench.end_to_end import Sent, end_to_end
from bench.index_cost import index_costs
from bench.payloads import AUDIT, AUDIT_METADATA, AUDIT_PUBLISHED, KINDS, one_large_record, payload
from bench.startup import bundle_megabytes, first_response_milliseconds, loading_milliseconds, slowest_imports
from local.forwarding import master_client
from local.rig import open_rig

_SIZES = (1, 10, 100, 1000, 4000)
_CONSOLE = Console(width=120)


@click.group(invoke_without_command=True, help="Benchmarks; without a command all of them.")
@click.pass_context
def commands(context: click.Context) -> None:
    """Run the named benchmark, or all."""
    gc.freeze()
    gc.set_threshold(100_000)  # as in forwarder.runtime
    if context.invoked_subcommand is None:
        for command in (cpu, linear, memory, startup, server, index):
            context.invoke(command)


@commands.command(help="CPU of 4,000 records of each kind, beside the floor, and the stages of audit events.")
def cpu() -> None:
    """Print the costs."""
    title = f"CPU of 4,000 records, medians of {RUNS}; the floors: decode, parse, serialise and compress"
    floors = ("floor ms: the records", "times it", "floor ms: what is sent", "times it")
    table = Table("records of", "JSON MB", "ms", *floors, "bulk MB", "sent 1/", title=title)
    for kind in KINDS:
        table.add_row(*_cost_row(cost(payload(kind, 4000))))
    _CONSOLE.print(table)
    split = Table("stage", "ms", title="4,000 audit events by stage")
    for name, milliseconds in stages(payload("audit", 4000)).items():
        split.add_row(name, f"{milliseconds:.1f}")
    _CONSOLE.print(split)


def _cost_row(measured: Cost) -> tuple[str, ...]:
    return (
        measured.payload.kind,
        f"{measured.payload.json_bytes / 1e6:.1f}",
        f"{measured.ours:.0f}",
        f"{measured.floor:.0f}",
        f"{measured.ours / measured.floor:.1f}",
        f"{measured.floor_of_sent:.0f}",
        f"{measured.ours / measured.floor_of_sent:.1f}",
        f"{measured.bulk_bytes / 1e6:.1f}",
        f"{measured.bulk_bytes / measured.sent_bytes:.1f}",
    )


@commands.command(help="Whether the cost grows with the number of records, and with the size of one.")
def linear() -> None:
    """Print ms per 1,000 records at each size, and per MB of one record beside many."""
    table = Table("audit events", "ms", "ms for each 1,000", "ms for each MB of JSON", title="Cost by size")
    for measured in [cost(payload("audit", size)) for size in _SIZES] + [cost(one_large_record(1_000_000))]:
        records, megabytes = measured.payload.records, measured.payload.json_bytes / 1e6
        name = str(records) if measured.payload.json_bytes < records * 100_000 else "1 of 1 MB"
        each = measured.ours * 1000 / records
        table.add_row(name, f"{measured.ours:.1f}", f"{each:.0f}", f"{measured.ours / megabytes:.1f}")
    _CONSOLE.print(table)


@commands.command(help="Peak resident memory of a process that delivers a payload.")
def memory() -> None:
    """Print the peaks."""
    table = Table("audit events", "MB at the peak", title="Resident memory, that of making the payload included")
    for size in (1, 4000, 5500):
        table.add_row(str(size), f"{peak_megabytes(size):.0f}")
    _CONSOLE.print(table)


@commands.command(help="Cold start, imports and the bundle's size; `make package` builds the bundle.")
def startup() -> None:
    """Print what a new execution environment costs."""
    table = Table("", "ms", title="A new execution environment")
    table.add_row("import and settings", f"{loading_milliseconds():.0f}")
    table.add_row("first answer of the emulator, starting Python included", f"{first_response_milliseconds():.0f}")
    for name, milliseconds in slowest_imports():
        table.add_row(f"· import {name}", f"{milliseconds:.0f}")
    _CONSOLE.print(table)
    unzipped, zipped = bundle_megabytes()
    _CONSOLE.print(f"The bundle: {unzipped:.1f} MB, zipped {zipped:.1f} MB\n")


@commands.command(help="4,000 audit events into a real OpenSearch, beside what the function that people copy does.")
def server() -> None:
    """Print wall time, what is stored, and sizes."""
    for kind in (AUDIT, AUDIT_METADATA, AUDIT_PUBLISHED):
        if kind not in KINDS:
            _CONSOLE.print("No published records beside the tree: they are not sent\n")
            continue
        ours, theirs = end_to_end(kind)
        table = Table(
            *("", "wall ms", "into a new index", "stored of sent", "sent MB", "index bytes a record that both have"),
            title=f"4,000 records of {kind}, end to end",
        )
        for one in (ours, theirs):
            stored = f"{one.stored / one.records:.0%}"
            table.add_row(
                *(
                    one.name,
                    f"{one.wall:.0f}",
                    f"{one.wall_new:.0f}",
                    stored,
                    f"{one.sent_bytes / 1e6:.1f}",
                    f"{one.record_bytes:.0f}",
                )
            )
        walls = (f"{ours.wall / theirs.wall:.2f}", f"{ours.wall_new / theirs.wall_new:.2f}")
        table.add_row("ratio", *walls, "", *_ratios(ours, theirs))
        _CONSOLE.print(table)


def _ratios(ours: Sent, theirs: Sent) -> tuple[str, str]:
    return f"{ours.sent_bytes / theirs.sent_bytes:.2f}", f"{ours.record_bytes / theirs.record_bytes:.2f}"


@commands.command(help="What each part of the index template costs the server.")
def index() -> None:
    """Print time and size of each variant of the template."""
    table = Table("template", "took ms", "", "index MB", "", title="4,000 audit events into variants of the template")
    with open_rig() as rig:
        variants = index_costs(master_client(rig), payload("audit", 4000))
    for one in variants:
        shares = (f"{one.took / variants[0].took:.2f}", f"{one.size / variants[0].size:.2f}")
        table.add_row(one.name, f"{one.took:.0f}", shares[0], f"{one.size / 1e6:.2f}", shares[1])
    _CONSOLE.print(table)


@commands.command(help="CPU of 4,000 records beside that of another commit, in one run.")
@click.argument("revision")
@click.option("--kind", type=click.Choice(KINDS), multiple=True, default=(AUDIT, AUDIT_METADATA), show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
def against(revision: str, kind: tuple[str, ...], rounds: int) -> None:
    """Print both, and the ratio."""
    table = Table("records of", "ms", f"ms of {revision}", "ratio", title=f"4,000 records, medians of {rounds} rounds")
    for one in kind:
        ours, theirs, ratio = ratios(revision, one, rounds)
        table.add_row(one, f"{ours:.0f}", f"{theirs:.0f}", f"{ratio:.2f}")
    _CONSOLE.print(table)


if __name__ == "__main__":
    commands(prog_name="python -m bench")
