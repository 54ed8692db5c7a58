"""`ask`: a question, answered in the terminal."""

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from eks_logs.answers import Answered, Row, answer
from eks_logs.ask import all_choices, choices, chosen_question, find_question
from eks_logs.causes import as_data, told
from eks_logs.commands.connection import Connection, connected
from eks_logs.endpoint import Endpoint
from eks_logs.questions import ASKING, Bucket, Question

_SPAN = re.compile(r"[1-9]\d*[smhdwM]")
_DEFAULT_ROWS = 20
_MOST_ROWS = 1000
_ANY_WIDTH = 1_000_000
_COLUMN_BORDER = 3  # a line and a blank at both sides


def _with_choices(command: Callable[..., None]) -> Callable[..., None]:
    """Give the command an option for everything that may be chosen in a question."""
    for name in reversed(all_choices()):
        numbers = ", ".join(str(asking().number) for asking in ASKING if name in choices(asking))
        text = f"Of question{'s' if ',' in numbers else ''} {numbers}"
        command = click.option(f"--{name}", type=click.IntRange(1, 100) if name == "top" else str, help=text)(command)
    return command


def time_span(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """The value, if it is a span of time as OpenSearch's date math has it."""
    if value and not _SPAN.fullmatch(value):
        raise click.BadParameter("is a number and a unit: s, m, h, d, w or M, such as 24h")
    return value


def list_questions(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's way
    """Print the questions and leave, if asked to."""
    if not value:
        return
    table = Table("", "question", "options")
    for asking in ASKING:
        question = asking()
        table.add_row(str(question.number), question.text, " ".join(f"--{name}" for name in choices(asking)))
    _console().print(table)
    context.exit()


def _console() -> Console:
    """Where answers are printed: as wide as the terminal is, and of any width where there is none."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # names in another script than the terminal's are no error
    console = Console()
    return console if console.is_terminal else Console(width=_ANY_WIDTH)


@click.command("ask")
@click.argument("words", nargs=-1, required=True)
@connected
@_with_choices
@click.option("--last", default="", callback=time_span, help="How far to look back, such as 24h; all, if not given")
@click.option("--rows", type=click.IntRange(0, _MOST_ROWS), default=_DEFAULT_ROWS, show_default=True, help="How many")
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=list_questions, help="List them all")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON")
def ask_command(
    connection: Connection, words: tuple[str, ...], last: str, rows: int, *, as_json: bool, **chosen: str | int | None
) -> None:
    """Ask a question, by its number or by words of it: ask 10 --pod my-app, or ask who deleted pod.

    What is not chosen may be anything. The caller needs no more than to read the indices. People stand before
    controllers, and what a controller did has its cause: the requests that led to it.
    """
    given = {name.replace("_", "-"): str(value) for name, value in chosen.items() if value is not None}
    question = chosen_question(find_question(" ".join(words)), given)
    domain = Endpoint(connection.endpoint, connection.caller(os.environ), connection.ca_file)
    found = answer(domain, connection.index, question, rows, last)
    if as_json:
        click.echo(json.dumps(_as_json(question, found), indent=2))
    else:
        _show(_console(), question, found)


def _as_json(question: Question, found: Answered) -> dict[str, Any]:
    return {
        "number": question.number,
        "question": question.text,
        "total": found.total,
        "records": [_record(question, row) for row in found.rows],
        "counts": {name: [_bucket(bucket) for bucket in buckets] for name, buckets in found.counts.items()},
        "confirmations_by_kubelets": found.confirmations,
        "by_api_server": found.by_api_server,
        "notes": list(found.notes),
    }


def _record(question: Question, row: Row) -> dict[str, Any]:
    record: dict[str, Any] = dict(zip(question.shows, row.values, strict=True))
    return record if row.chain is None else {**record, "cause": {"sentence": told(row.chain), **as_data(row.chain)}}


def _bucket(bucket: Bucket) -> dict[str, Any]:
    return {"value": bucket.value, "records": bucket.records, **bucket.metrics}


def _show(console: Console, question: Question, found: Answered) -> None:
    console.print(Text(f"{question.number} {question.text}", style="bold"), soft_wrap=True)
    for name, buckets in found.counts.items():
        if buckets:
            console.print(_counts(name, buckets))
    if found.rows:
        _show_rows(console, _filled(question, found))
    for line in _summary(found):
        console.print(_cell(line), soft_wrap=True)


def _summary(found: Answered) -> Iterator[str]:
    """How many records there are, and what of them is not shown."""
    shown = len(found.rows)
    if not found.total:
        yield "No record answers it: look further back with --last, or choose less."
    elif shown == found.total:
        yield f"{found.total} record{'' if found.total == 1 else 's'}"
    elif found.people_first:
        yield f"{found.total} records, {shown} of them shown: people before programs, and the newest first"
    else:
        yield f"{found.total} records, the newest {shown} of them shown"
    if found.confirmations:
        yield f"{found.confirmations} more by kubelets, which confirm that pods deleted above are gone"
    if found.by_api_server:
        yield f"{found.by_api_server} more by the API server itself: ask 2 --user system:apiserver"
    yield from found.notes


def _filled(question: Question, found: Answered) -> list[dict[str, str]]:
    """By row what it shows, and its cause, without what no row has.

    Whoever takes a role chooses the name of the session, so a cause has the role's ARN beside its sentence.
    """
    rows = []
    for row in found.rows:
        values = dict(zip(question.shows, row.values, strict=True))
        sentence = told(row.chain) if row.chain else ""
        iam_arn = row.chain.links[0].iam_arn if row.chain and sentence else ""
        rows.append({**values, "cause": sentence, "cause.iam_arn": iam_arn})
    return [{name: row[name] for name in row if any(other[name] for other in rows)} for row in rows]


def _show_rows(console: Console, rows: list[dict[str, str]]) -> None:
    """A table, where the terminal has room for every value in one line; else a block for each record.

    What is no terminal gets blocks with each value in one line, however wide they are, for other programs to search.
    """
    if not console.is_terminal:
        for row in rows:
            lines = [_cell(f"{name}: {value}") for name, value in row.items() if value]
            console.print(*lines, "", sep="\n")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    widths = [max(cell_len(text) for text in (name, *(row[name] for row in rows))) for name in rows[0]]
    if sum(width + _COLUMN_BORDER for width in widths) < console.width:
        console.print(table)
        return
    for row in rows:
        block = Table.grid(padding=(0, 1))
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")  # half an ARN would be no answer
        for name, value in row.items():
            if value:
                block.add_row(f"{name}:", _cell(value))
        console.print(block, "")


def _counts(name: str, buckets: tuple[Bucket, ...]) -> Table:
    metrics = list(buckets[0].metrics) if buckets else []
    table = Table(Column(name.replace("_", " "), overflow="fold"), "records", *metrics)
    for bucket in buckets:
        table.add_row(_cell(bucket.value), str(bucket.records), *(str(bucket.metrics[metric]) for metric in metrics))
    return table


def _cell(text: str) -> Text:
    """Text of a record, which may neither style the table nor steer the terminal."""
    return Text("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))
