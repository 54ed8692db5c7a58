"""`ask` in front of the real OpenSearch, through the edge, as an operator asks."""

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from opensearchpy import OpenSearch

from eks_logs.__main__ import Commands
from eks_logs.ask import find_question
from eks_logs.commands.asking import ask_command
from eks_logs.questions import ASKING
from local.rig import Rig
from local.sample_questions import CLUSTER_ADMIN_ROLE
from tests.conftest import SAMPLES
from tests.test_questions import BY_CONTROLLERS, EXPECTED

MASTER = {"OPENSEARCH_USERNAME": "admin", "OPENSEARCH_PASSWORD": "admin", "COLUMNS": "200"}
NUMBERS = range(1, 22)
CHOSEN: dict[int, list[str]] = {
    3: ["--client", "kubectl/v1.22.0"],
    6: ["--pod", "my-app", "--namespace", "default"],
    10: ["--pod", "my-app", "--namespace", "default"],
    20: ["--iam-arn", CLUSTER_ADMIN_ROLE],
}
WORDS = {
    "who deleted pod": 10,
    "which node": 6,
    "denied": 5,
    "5xx": 7,
    "why did my cronjob not fire": 8,
    "aws-auth": 4,
    "exec": 14,
    "privileged": 15,
    "cluster-admin": 16,
    "secrets": 17,
    "anonymous": 18,
    "deprecated API": 19,
    "iam sessions": 20,
    "log volume": 21,
}


def run(rig: Rig, *words: str, index: str = SAMPLES, environment: dict[str, str] | None = None) -> Result:
    connection = ["--endpoint", rig.edge_url, "--ca-file", str(rig.ca_file), "--index", index, "--region", rig.region]
    group = Commands(commands=[ask_command])
    return CliRunner().invoke(group, ["ask", *words, *connection], env=environment or MASTER)


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
    answer: dict[str, Any] = json.loads(answered(prepared, str(number), "--json", *CHOSEN.get(number, [])))
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
    output = answered(prepared, "who deleted pod", "--pod", "my-app", "--namespace", "default")
    assert "10 Who deleted pod default/my-app?" in output
    assert "\nactor.session_name: jonas.weber\n" in output
    assert "1 record\n" in output


@pytest.mark.usefixtures("samples")
def test_counts_are_shown_and_the_newest_records_first(prepared: Rig) -> None:
    output = answered(prepared, "11", "--rows", "3")
    assert "codes" in output
    assert "the newest 3 of them shown" in output
    times = [line for line in output.splitlines() if line.startswith("@timestamp: 2026-")]
    assert len(times) == 3
    assert times == sorted(times, reverse=True)


@pytest.mark.usefixtures("samples")
def test_nothing_found_is_no_error(prepared: Rig) -> None:
    assert "No record answers it" in answered(prepared, "10", "--pod", "nobody-has-this", "--namespace", "nowhere")
    assert "No record answers it" in answered(prepared, "10", "--last", "1s")


def test_a_caller_that_may_not_read_is_told_what_to_do(samples: OpenSearch, prepared: Rig) -> None:
    assert samples.indices.exists(index=SAMPLES)
    function = prepared.function_identity
    environment = {
        "AWS_ACCESS_KEY_ID": function.access_key_id,
        "AWS_SECRET_ACCESS_KEY": function.secret_access_key,
        "AWS_SESSION_TOKEN": function.session_token or "",
    }
    assert "map its user or IAM role" in failure(run(prepared, "5", environment=environment))


def test_an_index_that_is_missing_is_told(prepared: Rig) -> None:
    assert "there is no index not-there*" in failure(run(prepared, "5", index="not-there"))


def test_what_a_question_does_not_know_is_refused_with_what_it_knows(prepared: Rig) -> None:
    output = failure(run(prepared, "10", "--user", "kubernetes-admin"))
    assert "has no --user; it takes --pod, --namespace" in output
    assert "takes no options" in failure(run(prepared, "5", "--user", "kubernetes-admin"))
    assert "1 to 21" in failure(run(prepared, "22"))
    assert run(prepared, "5", "--last", "yesterday").exit_code == 2


def test_words_of_no_question_and_of_several_are_told(prepared: Rig) -> None:
    assert "ask --list" in failure(run(prepared, "weather"))
    assert "several questions fit: " in failure(run(prepared, "kube-system"))


def test_the_questions_can_be_listed_without_a_server() -> None:
    result = CliRunner().invoke(ask_command, ["--list"], env=MASTER)
    assert result.exit_code == 0
    assert all(asking().text in result.output for asking in ASKING)


@pytest.mark.parametrize("words", WORDS)
def test_a_question_is_found_by_words(words: str) -> None:
    assert find_question(words)().number == WORDS[words]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_question_is_found_by_its_own_text(number: int) -> None:
    assert find_question(ASKING[number - 1]().text)().number == number
