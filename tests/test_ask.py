"""`ask` in front of the real OpenSearch, through the edge, as an operator asks."""

import json
import re
from collections.abc import Iterator
from inspect import signature
from typing import Any

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from opensearchpy import OpenSearch

from eks_logs.__main__ import Commands, main
from eks_logs.commands.ask import all_commands, ask_command
from eks_logs.questions import ASKING
from forwarder.pipeline import documents_of
from local.rig import Rig
from local.sample_questions import CLUSTER_ADMIN_ROLE
from tests.conftest import SAMPLES
from tests.payloads import STREAMS, batch
from tests.test_answers import pod
from tests.test_questions import BY_CONTROLLERS, EXPECTED

MASTER = {"OPENSEARCH_USERNAME": "admin", "OPENSEARCH_PASSWORD": "admin", "COLUMNS": "200"}
NUMBERS = range(1, 22)
CHOSEN: dict[int, list[str]] = {
    3: ["--client", "kubectl/v1.22.0"],
    6: ["--name", "my-app", "--namespace", "default"],
    10: ["--name", "my-app", "--namespace", "default"],
    20: ["--iam-arn", CLUSTER_ADMIN_ROLE],
}
COMMANDS = {asking().number: words for words, asking in reversed(all_commands().items())}


def run(rig: Rig, *words: str, index: str = SAMPLES, environment: dict[str, str] | None = None) -> Result:
    connection = ["--endpoint", rig.edge_url, "--ca-file", str(rig.ca_file), "--index", index, "--region", rig.region]
    group = Commands(commands=[ask_command])
    return CliRunner().invoke(group, ["ask", *words[0].split(), *words[1:], *connection], env=environment or MASTER)


def answered(rig: Rig, *words: str) -> str:
    result = run(rig, *words)
    assert result.exit_code == 0, result.output
    return result.output


def failure(result: Result) -> str:
    assert result.exit_code == 1, result.output
    assert len(result.output.splitlines()) == 1
    return result.output


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.usefixtures("samples")
def test_each_question_is_answered_with_its_records(prepared: Rig, number: int) -> None:
    answer: dict[str, Any] = json.loads(answered(prepared, COMMANDS[number], "--json", *CHOSEN.get(number, [])))
    assert answer["number"] == number
    assert answer["total"] >= len(answer["records"]) > 0
    assert answer["notes"] == []
    if number in EXPECTED:
        # Of one pod no more than the kubelet's confirmation stands apart.
        apart = [] if number in CHOSEN else BY_CONTROLLERS.get(number, [])
        people = sum(len(positions) for positions in EXPECTED[number].values())
        others = answer["confirmations_by_kubelets"] + answer["by_api_server"]
        assert answer["total"] + others == people + len(apart)


@pytest.mark.usefixtures("samples")
def test_an_answer_is_a_block_for_each_record_that_a_person_reads(prepared: Rig) -> None:
    output = answered(prepared, "who-deleted pod", "--name", "my-app", "--namespace", "default")
    assert "Who deleted pod default/my-app?" in output
    assert "\nactor.session_name: jonas.weber\n" in output
    assert "1 record\n" in output


@pytest.mark.usefixtures("samples")
def test_counts_are_shown_and_the_newest_records_first(prepared: Rig) -> None:
    output = answered(prepared, "how-many-calls", "--rows", "3")
    assert "codes" in output
    assert "the newest 3 of them shown" in output
    times = [line for line in output.splitlines() if line.startswith("@timestamp: 2026-")]
    assert len(times) == 3
    assert times == sorted(times, reverse=True)


@pytest.mark.usefixtures("samples")
def test_nothing_found_is_no_error(prepared: Rig) -> None:
    assert "No record answers it" in answered(
        prepared, "who-deleted pod", "--name", "nobody-has-this", "--namespace", "nowhere"
    )
    assert "No record answers it" in answered(prepared, "who-deleted pod", "--last", "1s")


def test_a_caller_that_may_not_read_is_told_what_to_do(samples: OpenSearch, prepared: Rig) -> None:
    assert samples.indices.exists(index=SAMPLES)
    function = prepared.function_identity
    environment = {
        "AWS_ACCESS_KEY_ID": function.access_key_id,
        "AWS_SECRET_ACCESS_KEY": function.secret_access_key,
        "AWS_SESSION_TOKEN": function.session_token or "",
    }
    assert "map its user or IAM role" in failure(run(prepared, "who-was-denied", environment=environment))


def test_an_index_that_is_missing_is_told(prepared: Rig) -> None:
    assert "there is no index not-there*" in failure(run(prepared, "who-was-denied", index="not-there"))


def test_a_question_has_its_own_options_alone() -> None:
    runner = CliRunner()
    for words, asking in all_commands().items():
        shown = runner.invoke(main, ["ask", *words.split(), "--help"], env=MASTER).output
        own = {name for name in ("--name", "--namespace", "--user", "--client", "--iam-arn") if name in shown.split()}
        chosen = {f"--{name.replace('_', '-')}" for name in signature(asking).parameters}
        assert own == chosen - {"--verb", "--top"}, words
        assert {"--cluster", "--all-clusters", "--last", "--rows", "--json", "--stack-name", "--endpoint"} <= set(
            shown.split()
        ), words
    assert runner.invoke(main, ["ask", "who-was-denied", "--user", "ada"], env=MASTER).exit_code == 2
    assert runner.invoke(main, ["ask", "who-was-denied", "--last", "yesterday"], env=MASTER).exit_code == 2


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("who deleted pod", "who-deleted pod"),
        ("who-deleted pdo", "who-deleted pod"),
        ("who-entered pod", "who-entered-pod"),
        ("who-ran privileged", "who-ran-privileged"),
        ("who-red-secrets", "who-read-secrets"),
        ("who-changed config-map", "who-changed configmap"),
        ("10", "who-deleted pod"),
    ],
)
def test_a_mistyped_question_is_answered_with_near_ones(typed: str, meant: str) -> None:
    result = CliRunner().invoke(main, ["ask", *typed.split(), "--name", "x"], env=MASTER)
    assert result.exit_code == 2
    assert f"did you mean `eks-logs ask {meant}`" in result.output


def test_an_option_before_the_question_is_told_where_it_stands() -> None:
    result = CliRunner().invoke(main, ["ask", "--cluster", "prod", "who-read-secrets"], env=MASTER)
    assert result.exit_code == 2
    assert "--cluster stands behind the question" in result.output


def test_what_is_near_to_no_question_is_told_where_they_are() -> None:
    result = CliRunner().invoke(main, ["ask", "zzzz"], env=MASTER)
    assert (result.exit_code, "did you mean" in result.output) == (2, False)
    assert "`eks-logs ask --list` has all of them" in result.output


@pytest.mark.parametrize("option", ["--list", "--help"])
def test_the_questions_are_listed_by_topic_without_a_server(option: str) -> None:
    result = CliRunner().invoke(main, ["ask", option], env=MASTER)
    assert result.exit_code == 0
    shown = "".join(result.output.split())
    listed = (f"{command}{asking().text}".replace(" ", "") for command, asking in all_commands().items())
    assert [one for one in listed if one not in shown] == []
    assert "People and rights:" in result.output


def test_every_question_has_a_command() -> None:
    assert set(ASKING) <= set(all_commands().values())
    assert set(COMMANDS) == set(NUMBERS)


def test_a_shell_completes_questions_and_their_options() -> None:
    shell = ShellComplete(main, {}, "eks-logs", "_EKS_LOGS_COMPLETE")

    def completed(*words: str) -> list[str]:
        return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]

    assert completed("ask", "who-r") == ["who-ran-privileged", "who-read-secrets"]
    assert completed("ask", "who-deleted", "po") == ["pod"]
    assert completed("ask", "who-deleted", "pod", "--na") == ["--name", "--namespace"]


@pytest.fixture
def two_clusters(server: OpenSearch) -> Iterator[str]:
    """An index with a deletion in each of two clusters, one of which has a namesake in another region."""
    index = "eks-control-plane-logs-of-two-clusters"
    (document,) = documents_of(batch([pod("cart", "a")], STREAMS["audit"]))
    for place, (cluster, region) in enumerate([("prod", "eu-west-1"), ("dev", "eu-west-1"), ("prod", "us-east-1")]):
        source = {**document.source, "cluster": cluster, "region": region, "auditID": str(place)}
        server.index(index=index, id=str(place), body=source, refresh=True)
    yield index
    server.indices.delete(index=index)


def test_one_cluster_is_asked_or_each_record_says_of_which_it_is(two_clusters: str, prepared: Rig) -> None:
    everything = run(prepared, "who-deleted pod", index=two_clusters).output
    assert sorted(re.findall(r"^cluster: (.*)$", everything, re.MULTILINE)) == ["dev", "prod", "prod"]
    assert sorted(re.findall(r"^region: (.*)$", everything, re.MULTILINE)) == ["eu-west-1", "eu-west-1", "us-east-1"]
    assert "2 clusters (prod 2, dev 1): choose one with --cluster" in everything
    of_dev = run(prepared, "who-deleted pod", "--cluster", "dev", index=two_clusters).output
    assert "1 record\n" in of_dev
    assert "\ncluster dev\n" in of_dev
    counts = json.loads(run(prepared, "how-many-calls", "--cluster", "dev", "--json", index=two_clusters).output)
    assert [(one["records"], one["clusters"]) for one in counts["counts"]["codes"]] == [(1, "dev")]
    mistyped = run(prepared, "who-deleted pod", "--cluster", "prd", index=two_clusters).output
    assert "There is no record of cluster prd; there are some of: prod, dev." in mistyped


def test_one_cluster_and_all_of_them_exclude_each_other(prepared: Rig) -> None:
    result = run(prepared, "who-deleted pod", "--cluster", "dev", "--all-clusters")
    assert result.exit_code == 2
    assert "not both" in result.output


def test_things_other_than_pods_are_asked_for_too(prepared: Rig, server: OpenSearch) -> None:
    index = "eks-control-plane-logs-of-other-things"
    records = [pod("cart", "a", ref={"resource": "deployments", "apiGroup": "apps"}), pod("cart", "b")]
    for place, document in enumerate(documents_of(batch(records, STREAMS["audit"]))):
        server.index(index=index, id=str(place), body=dict(document.source), refresh=True)
    output = run(prepared, "who-deleted deployment", "--name", "cart", index=index).output
    server.indices.delete(index=index)
    assert "1 record\n" in output
    assert "deleted deployments" in output
