"""The whole chain once, on one machine: set up, forward every file of events/ twice, ask."""

from collections import Counter
from dataclasses import dataclass

from opensearchpy import OpenSearch
from rich.console import Console
from rich.table import Table

from eks_logs.questions import Answer, Bucket, Question
from forwarder.sources import EKS_LOG_TYPES
from local.dashboard_page import write_page
from local.forwarding import Forwarded, forward_events, master_client, sent_by_type, stored_by_type
from local.operators_tool import run_setup
from local.rig import Rig, open_rig, tell
from local.sample_questions import sample_questions

INDEX = "eks-control-plane-logs"

_WIDTH = 120
_EXAMPLE_WIDTH = 68
_ANSWER_WIDTH = 100
_SHOWN_IN_FULL = (5, 6, 10)
_COUNTED_IN_FULL = 11


@dataclass(frozen=True)
class Round:
    """Every file forwarded once, and the documents in the index afterwards, by log type."""

    forwarded: list[Forwarded]
    stored: Counter[str]

    def said(self, name: str) -> int:
        """A count, summed over the function's answers."""
        return sum(one.said(name) for one in self.forwarded)


def run_demo() -> int:
    """Run the demonstration and print what came of it.

    Returns:
        0 where every record was stored exactly once and every question has an answer, else 1.
    """
    console = Console(width=_WIDTH)
    with open_rig() as rig:
        run_setup(rig, tell)
        server = master_client(rig)
        first, second = _forward_twice(rig, server)
        console.print(_delivery_table(server, first), _repetition_table(first, second))
        answered = [(question, ask(server, INDEX, question)) for question in sample_questions()]
        page = write_page(server, INDEX)
    console.print(_overview(answered))
    for question, answer in answered:
        if question.number in _SHOWN_IN_FULL:
            console.print(_in_full(question, answer))
        if question.number == _COUNTED_IN_FULL:
            console.print(_codes_table(question, answer))
    console.print(f"The dashboards, drawn from the saved objects: {page}", soft_wrap=True)
    return _judge(console, first, second, all_answered=all(answer.total for _, answer in answered))


def _forward_twice(rig: Rig, server: OpenSearch) -> tuple[Round, Round]:
    with rig.lambda_runtime({"INDEX_NAME": INDEX}) as function:
        tell("forwarding every file of events/, then all of them again")
        first = Round(forward_events(function), stored_by_type(server, INDEX))
        second = Round(forward_events(function), stored_by_type(server, INDEX))
    return first, second


def _delivery_table(server: OpenSearch, first: Round) -> Table:
    sent = sent_by_type(first.forwarded)
    table = Table("log type", "sent", "stored", "one of them", title="Forwarded")
    for log_type in EKS_LOG_TYPES:
        table.add_row(log_type, str(sent[log_type]), str(first.stored[log_type]), _example(server, log_type))
    for one in first.forwarded:
        if one.records == 0:
            table.add_row(one.file, "0", "0", "nothing to store in a control message")
    return table


def _example(server: OpenSearch, log_type: str) -> str:
    """The message of one of the most severe documents of a log type, as far as there is room."""
    body = {"query": {"term": {"log_type": log_type}}, "sort": [{"severity": "asc"}], "size": 1}
    hits = server.search(index=INDEX, body=body)["hits"]["hits"]
    return _shortened(hits[0]["_source"]["message"], _EXAMPLE_WIDTH) if hits else ""


def _repetition_table(first: Round, second: Round) -> Table:
    table = Table("", "stored", "already there", "documents in the index", title="Sent a second time")
    for name, one in (("first time", first), ("second time", second)):
        table.add_row(name, str(one.said("stored")), str(one.said("duplicate")), str(one.stored.total()))
    return table


def ask(server: OpenSearch, index: str, question: Question) -> Answer:
    """Ask OpenSearch a question."""
    return question.read(server.search(index=index, body=question.request()))


def _in_full(question: Question, answer: Answer) -> Table:
    table = Table(title=question.text)
    for name in question.shows:
        table.add_column(name, overflow="fold")  # a node or an ARN that is cut off would be no answer
    for row in answer.rows:
        table.add_row(*row)
    return table


def _codes_table(question: Question, answer: Answer) -> Table:
    table = Table("code", "calls", "records", title=question.text)
    for bucket in sorted(answer.counts["codes"], key=lambda bucket: int(bucket.value)):
        table.add_row(bucket.value, str(bucket.metrics["calls"]), str(bucket.records))
    return table


def _overview(answered: list[tuple[Question, Answer]]) -> Table:
    table = Table(
        "", "question", "records", "what is counted, or the first of them", title="Every question is one query"
    )
    for question, answer in answered:
        table.add_row(str(question.number), question.text, str(answer.total), _in_short(question, answer))
    return table


def _in_short(question: Question, answer: Answer) -> str:
    """What is counted, where the answer is a count; else the first row without its time, each value once."""
    first = answer.rows[0][1:] if answer.rows else ()
    values = [_counted(bucket) for name in question.aggregations for bucket in answer.counts[name]] or first
    return _shortened(" · ".join(dict.fromkeys(value for value in values if value)), _ANSWER_WIDTH)


def _counted(bucket: Bucket) -> str:
    metrics = [f"{number} {name}" for name, number in bucket.metrics.items()]
    return f"{bucket.value}: {', '.join(metrics) or bucket.records}"


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _judge(console: Console, first: Round, second: Round, *, all_answered: bool) -> int:
    sent = sent_by_type(first.forwarded)
    for one in first.forwarded + second.forwarded:
        if one.invocation.error is not None:
            console.print(f"{one.file}: {one.invocation.error['errorType']}: {one.invocation.error['errorMessage']}")
    if sent == first.stored == second.stored and second.said("stored") == 0 and all_answered:
        console.print(f"All {sent.total()} records are stored, each of them once, and every question has its answer.")
        return 0
    console.print("Records are missing or stored twice, or a question has no answer: see the tables.")
    return 1
