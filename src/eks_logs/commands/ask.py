"""`ask`: questions, each a command with options of its own, answered in the terminal."""

import inspect
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial, update_wrapper
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from eks_logs import questions
from eks_logs.answers import Answered, Row, answer
from eks_logs.causes import ORIGIN, as_data, told
from eks_logs.commands.connection import Command, Connection, connected
from eks_logs.commands.output import json_option
from eks_logs.questions import Asking, Bucket, Question

_SPAN = re.compile(r"[1-9]\d*[smhdwM]")
_DEFAULT_ROWS = 20
_MOST_ROWS = 1000
_ANY_WIDTH = 1_000_000
_COLUMN_BORDER = 3  # a line and a blank at both sides
_HOW_NEAR = 0.5

_TOPICS: Mapping[str, Mapping[str, Asking]] = {
    "Pods and workloads": {
        "who-deleted pod": questions.who_deleted_pod,
        "where-is-pod": questions.which_node_runs_pod,
        "why-is-pod-pending": questions.why_unschedulable,
        "who-entered-pod": questions.who_entered_pod,
        "who-ran-privileged": questions.who_ran_privileged,
        "who-changed daemonset": questions.who_changed_daemonsets,
        "what-did-controller cronjob": questions.what_did_cronjob_controller,
        "what-did-controller replicaset": questions.what_did_replicaset_controller,
    },
    "People and rights": {
        "who-is-admin": questions.which_iam_identity,
        "who-is-behind": questions.who_is_behind,
        "what-did-user": questions.what_did_user,
        "what-did-anonymous": questions.which_anonymous_requests_were_allowed,
        "who-was-denied": questions.which_requests_were_denied,
        "who-granted-rights": questions.who_granted_everything,
        "who-read-secrets": questions.who_read_secrets,
        "who-changed configmap": questions.who_changed_config_map,
    },
    "API server and logs": {
        "which-calls-failed": questions.which_calls_failed,
        "which-calls-came-from": questions.which_calls_of_client,
        "how-many-calls": questions.how_many_calls_per_code,
        "who-calls-deprecated-apis": questions.who_calls_deprecated_api,
        "what-makes-the-volume": questions.what_makes_the_volume,
    },
    "Other things that were deleted": {
        f"who-deleted {one}": partial(questions.who_deleted, resource)
        for one, resource in {
            "configmap": "configmaps",
            "cronjob": "cronjobs",
            "daemonset": "daemonsets",
            "deployment": "deployments",
            "ingress": "ingresses",
            "job": "jobs",
            "namespace": "namespaces",
            "node": "nodes",
            "persistentvolumeclaim": "persistentvolumeclaims",
            "replicaset": "replicasets",
            "secret": "secrets",
            "service": "services",
            "serviceaccount": "serviceaccounts",
            "statefulset": "statefulsets",
        }.items()
    },
}
"""By topic the commands and what each asks; a command of two words is one of several about the same."""

_KINDS = {"who-deleted": "Who deleted something?", "who-changed": "Who changed something of the cluster?"}
_KINDS["what-did-controller"] = "What did one of Kubernetes' controllers do?"

_CHOICES = {
    "name": "Its name  [default: any]",
    "namespace": "Its namespace  [default: any]",
    "user": "Kubernetes user, or a part of the name",
    "client": "What the user agent begins with, such as kubectl/v1.35",
    "verb": "Kubernetes' verb, such as get  [default: any]",
    "iam_arn": "ARN of the IAM role or user  [default: any]",
    "top": "How many of each",
}
_SHARED: tuple[Callable[[Command], Command], ...] = (
    click.option("--cluster", help="Only of this EKS cluster  [default: the stack's; without a stack, all]"),
    click.option("--all-clusters", is_flag=True, help="Of every cluster in the index, also with --stack-name"),
)


def all_commands() -> dict[str, Asking]:
    """What each command asks, by what is typed behind `eks-logs ask`."""
    return {words: asking for topic in _TOPICS.values() for words, asking in topic.items()}


class _Questions(click.Group):
    """Commands that are listed by topic; a mistyped one is answered with near ones."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options before the question, of which there are few."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.UsageError(
                f"{error.option_name} stands behind the question: {ctx.command_path} <question> {error.option_name} …",
                ctx,
            ) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was typed."""
        typed = args[0]
        if ctx.resilient_parsing or typed.startswith("-") or self.get_command(ctx, typed):
            return super().resolve_command(ctx, args)
        words = [*([] if self.name == "ask" else [str(self.name)]), *_words(args)]
        near = _near(words)
        hint = f"did you mean {' or '.join(f'`eks-logs ask {one}`' for one in near)}? " if near else ""
        raise click.UsageError(
            f"there is no question {' '.join(words)!r}; {hint}`eks-logs ask --list` has all of them", ctx
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's way
        """Write the questions below this command, by topic."""
        prefix = "" if self.name == "ask" else f"{self.name} "
        for topic, commands in _TOPICS.items():
            rows = [(words, asking().text) for words, asking in commands.items() if words.startswith(prefix)]
            if rows:
                with formatter.section(topic):
                    formatter.write_dl(rows, col_max=40)


def _words(args: Sequence[str]) -> Iterator[str]:
    """What was typed before the first option."""
    for word in args:
        if word.startswith("-"):
            return
        yield word


def _near(words: Sequence[str]) -> list[str]:
    """The commands that may have been meant."""
    known = all_commands()
    if len(words) == 1 and words[0].isdecimal():  # the number of a saved search's question
        return [name for name, asking in known.items() if asking().number == int(words[0])][:1]
    spelled = {name.replace(" ", "-"): name for name in known}
    typed = "-".join(words).lower()
    if typed in spelled:
        return [spelled[typed]]
    return [spelled[near] for near in get_close_matches(typed, spelled, n=3, cutoff=_HOW_NEAR)]


def time_span(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """The value, if it is a span of time as OpenSearch's date math has it."""
    if value and not _SPAN.fullmatch(value):
        raise click.BadParameter("is a number and a unit: s, m, h, d, w or M, such as 24h")
    return value


def list_questions(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's way
    """Print the questions and leave, if asked to."""
    if not value:
        return
    formatter = context.make_formatter()
    context.command.format_commands(context, formatter)  # type: ignore[attr-defined] # it is a group
    click.echo(formatter.getvalue().strip())
    context.exit()


def _console() -> Console:
    """Where answers are printed: as wide as the terminal is, and of any width where there is none."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # names in another script than the terminal's are no error
    # With NO_COLOR rich alone would still print bold.
    console = Console(color_system=None if os.environ.get("NO_COLOR") else "auto")
    return console if console.is_terminal else Console(width=_ANY_WIDTH)


@click.group(
    "ask",
    cls=_Questions,
    epilog="Each question has its own --help. Without --last and --cluster nothing is left out by time or cluster.",
)
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=list_questions, help="List them all")
def ask_command() -> None:
    """Ask a question of the stored logs: ask who-deleted pod --name my-app --cluster prod.

    What is not chosen may be anything. The caller needs no more than to read the indices. People stand before
    controllers, and what a controller did has its cause: the requests that led to it.
    """


@dataclass(frozen=True, slots=True)
class _Scope:
    """Of which cluster and region records are, and how a printed command says so."""

    cluster: str
    region: str
    options: tuple[str, ...]


def _scope(connection: Connection, cluster: str | None, *, all_clusters: bool) -> _Scope:
    """What was chosen: an operator of one stack asks about its cluster; without a stack all are meant."""
    if cluster and all_clusters:
        raise click.UsageError("give --cluster or --all-clusters, not both")
    if cluster:
        return _Scope(cluster, "", ("--cluster", cluster))
    if all_clusters:
        return _Scope("", "", ("--all-clusters",))
    stack = connection.stack
    return _Scope(stack.cluster, stack.region, ()) if stack else _Scope("", "", ())


def _command(name: str, words: str, asking: Asking) -> click.Command:
    """The command that asks one question, with an option for each of its choices."""

    def command(
        connection: Connection,
        *,
        cluster: str | None,
        all_clusters: bool,
        last: str,
        rows: int,
        as_json: bool,
        **chosen: str | int | None,
    ) -> None:
        scope = _scope(connection, cluster, all_clusters=all_clusters)
        question = asking(**{name: value for name, value in chosen.items() if value is not None})
        found = answer(
            connection.client(), connection.index, question, rows, last=last, cluster=scope.cluster, region=scope.region
        )
        if as_json:
            click.echo(json.dumps({"command": words, **_as_json(question, scope, found)}, indent=2))
            return
        options = [*scope.options, *(["--last", last] if last else [])]
        by_api_server = connection.command("ask what-did-user", ["--user", "system:apiserver", *options])
        _show(_console(), question, found, scope, by_api_server)

    settings: list[Callable[[Command], Command]] = [
        *_SHARED,
        click.option(
            "--last", default="", callback=time_span, help="How far to look back, such as 24h  [default: all]"
        ),
        click.option(
            "--rows",
            type=click.IntRange(0, _MOST_ROWS),
            default=_DEFAULT_ROWS,
            show_default=True,
            help="How many records",
        ),
        json_option,
    ]
    bundled = connected(update_wrapper(command, ask_command.callback or command))
    for setting in reversed(settings):
        bundled = setting(bundled)
    for choice in reversed(list(inspect.signature(asking).parameters.values())):
        default = choice.default
        bundled = click.option(
            f"--{choice.name.replace('_', '-')}",
            type=click.IntRange(1, 100) if choice.name == "top" else str,
            default=default,
            help=_CHOICES[choice.name].partition("  [")[0] if default else _CHOICES[choice.name],
            show_default=default is not None,
        )(bundled)
    return click.command(name, help=asking().text, short_help=asking().text)(bundled)


def _add_commands(to: click.Group) -> None:
    for words, asking in all_commands().items():
        kind, _, thing = words.partition(" ")
        if not thing:
            to.add_command(_command(kind, words, asking))
            continue
        if kind not in to.commands:
            to.add_command(_Questions(kind, help=_KINDS[kind], no_args_is_help=True))
        of_kind = to.commands[kind]
        if isinstance(of_kind, click.Group):
            of_kind.add_command(_command(thing, words, asking))


_add_commands(ask_command)


def _as_json(question: Question, scope: _Scope, found: Answered) -> dict[str, Any]:
    return {
        "number": question.number,
        "question": question.text,
        "cluster": scope.cluster or None,
        "total": found.total,
        "records": [_record(question, row) for row in found.rows],
        "counts": {name: [_bucket(bucket) for bucket in buckets] for name, buckets in found.counts.items()},
        "clusters": dict(found.clusters),
        "confirmations_by_kubelets": found.confirmations,
        "by_api_server": found.by_api_server,
        "notes": list(found.notes),
    }


def _values(question: Question, row: Row) -> dict[str, str]:
    """What a row shows, behind the time the record's cluster, region and account."""
    shown = dict(zip(question.shows, row.values, strict=True))
    return {"@timestamp": shown["@timestamp"], **dict(zip(ORIGIN, row.origin, strict=True)), **shown}


def _record(question: Question, row: Row) -> dict[str, Any]:
    record: dict[str, Any] = _values(question, row)
    return record if row.chain is None else {**record, "cause": {"sentence": told(row.chain), **as_data(row.chain)}}


def _bucket(bucket: Bucket) -> dict[str, Any]:
    return {"value": bucket.value, "records": bucket.records, **bucket.metrics}


def _show(console: Console, question: Question, found: Answered, scope: _Scope, by_api_server: str) -> None:
    console.print(_cell(question.text), style="bold", soft_wrap=True)
    if scope.cluster:
        console.print(_cell(f"cluster {scope.cluster}"), soft_wrap=True)
    for name, buckets in found.counts.items():
        if buckets:
            console.print(_counts(name, buckets, several=len(found.clusters) > 1))
    if found.rows:
        _show_rows(console, _filled(question, found, scope))
    for line in _summary(found, by_api_server):
        console.print(_cell(line), soft_wrap=True)


def _summary(found: Answered, by_api_server: str) -> Iterator[str]:
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
        yield f"{found.by_api_server} more by the API server itself: {by_api_server}"
    if len(found.clusters) > 1:
        counted = ", ".join(f"{name} {records}" for name, records in found.clusters.items())
        yield f"{len(found.clusters)} clusters ({counted}): choose one with --cluster"
    yield from found.notes


def _filled(question: Question, found: Answered, scope: _Scope) -> list[dict[str, str]]:
    """By row what it shows, and its cause, without what no row has.

    The cluster is shown where none was chosen; region and account, where they differ among the rows.

    Whoever takes a role chooses the name of the session, so a cause has the role's ARN beside its sentence.
    """
    rows = []
    for row in found.rows:
        values = _values(question, row)
        sentence = told(row.chain) if row.chain else ""
        iam_arn = row.chain.links[0].iam_arn if row.chain and sentence else ""
        rows.append({**values, "cause": sentence, "cause.iam_arn": iam_arn})
    same = {name for name in ORIGIN[1:] if name not in question.shows and len({row[name] for row in rows}) == 1}
    hidden = same | ({"cluster"} if scope.cluster and "cluster" not in question.shows else set())
    names = [name for name in rows[0] if name not in hidden and any(row[name] for row in rows)]
    return [{name: row[name] for name in names} for row in rows]


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


def _counts(name: str, buckets: tuple[Bucket, ...], *, several: bool) -> Table:
    """A table; of which clusters each is, where there are several."""
    metrics = [metric for metric in buckets[0].metrics if several or metric != "clusters"]
    table = Table(Column(name.replace("_", " "), overflow="fold"), "records", *metrics)
    for bucket in buckets:
        table.add_row(_cell(bucket.value), str(bucket.records), *(str(bucket.metrics[metric]) for metric in metrics))
    return table


def _cell(text: str) -> Text:
    """Text of a record, which may neither style the table nor steer the terminal."""
    return Text("".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text))
