"""`ask`: a question, answered in the terminal."""

import json
import os
import re
from collections.abc import Callable
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eks_logs.ask import all_choices, answer, choices, chosen_question, find_question
from eks_logs.commands.connection import Connection, connected
from eks_logs.endpoint import Endpoint
from eks_logs.questions import ASKING, Answer, Bucket, Question

_SPAN = re.compile(r"[1-9]\d*[smhdwM]")
_DEFAULT_ROWS = 20
_MOST_ROWS = 1000


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
    Console().print(table)
    context.exit()


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

    What is not chosen may be anything. The caller needs no more than to read the indices.
    """
    given = {name.replace("_", "-"): str(value) for name, value in chosen.items() if value is not None}
    question = chosen_question(find_question(" ".join(words)), given)
    domain = Endpoint(connection.endpoint, connection.caller(os.environ), connection.ca_file)
    found = answer(domain, connection.index, question, rows, last)
    if as_json:
        click.echo(json.dumps(_as_json(question, found), indent=2))
    else:
        _show(Console(), question, found)


def _as_json(question: Question, found: Answer) -> dict[str, Any]:
    return {
        "number": question.number,
        "question": question.text,
        "total": found.total,
        "records": [dict(zip(question.shows, row, strict=True)) for row in found.rows],
        "counts": {name: [_bucket(bucket) for bucket in buckets] for name, buckets in found.counts.items()},
    }


def _bucket(bucket: Bucket) -> dict[str, Any]:
    return {"value": bucket.value, "records": bucket.records, **bucket.metrics}


def _show(console: Console, question: Question, found: Answer) -> None:
    console.print(Text(f"{question.number} {question.text}", style="bold"))
    if not found.total:
        console.print("No record answers it: look further back with --last, or choose less.")
        return
    for name in question.aggregations:
        console.print(_counts(name, found.counts[name]))
    if found.rows:
        console.print(_records(question, found))
    shown = "" if len(found.rows) == found.total else f", the newest {len(found.rows)} of them shown"
    console.print(f"{found.total} record{'' if found.total == 1 else 's'}{shown}")


def _counts(name: str, buckets: tuple[Bucket, ...]) -> Table:
    metrics = list(buckets[0].metrics) if buckets else []
    table = Table(name.replace("_", " "), "records", *metrics)
    for bucket in buckets:
        table.add_row(_cell(bucket.value), str(bucket.records), *(str(bucket.metrics[metric]) for metric in metrics))
    return table


def _records(question: Question, found: Answer) -> Table:
    """The records without the columns that none of them fills."""
    filled = [place for place in range(len(question.shows)) if any(row[place] for row in found.rows)]
    table = Table()
    for place in filled:
        table.add_column(question.shows[place], overflow="fold")  # half an ARN would be no answer
    for row in found.rows:
        table.add_row(*(_cell(row[place]) for place in filled))
    return table


def _cell(text: str) -> Text:
    """Text of a record, which may neither style the table nor steer the terminal."""
    return Text("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))
