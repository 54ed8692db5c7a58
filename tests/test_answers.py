"""Answers of `ask`: their order, what they lack where searches fail or are cut, and how they look."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from opensearchpy import OpenSearch
from requests.auth import HTTPBasicAuth

from eks_logs.__main__ import Commands
from eks_logs.answers import Answered, answer
from eks_logs.causes import told
from eks_logs.commands.ask import ask_command
from eks_logs.opensearch.client import Client
from eks_logs.questions import what_did_user, who_deleted_pod, who_entered_pod, who_granted_everything
from forwarder.pipeline import documents_of
from local.rig import Rig
from tests.payloads import STREAMS, batch
from tests.test_causes import CONFIRMED, JONAS, POD, controller, record
from tests.test_question_neighbours import ADA, CONTROLLER, KUBELET, event
from tests.wire_server import WireServer, wire_server

INDEX = "eks-control-plane-logs-answers"
SEARCH = ("POST", f"/{INDEX}*/_search")
TOKEN_HOLDER = {"username": "system:serviceaccount:shop:robot"}
TIMES = {name: f"2026-11-20T09:00:{second:02}.000000Z" for second, name in enumerate("abcdefghij", start=10)}


def pod(name: str, at: str, **changes: Any) -> str:
    """A deletion of a pod, received at a moment of TIMES."""
    reference = {"resource": "pods", "namespace": "shop", "name": name} | changes.pop("ref", {})
    uri = f"/api/v1/namespaces/shop/pods/{name}"
    members = {"auditID": f"{name}-{at}", "requestReceivedTimestamp": TIMES[at], "requestURI": uri} | changes
    return event(members.pop("verb", "delete"), reference, members.pop("code", 200), **members)


def stored(server: OpenSearch, records: list[str]) -> None:
    server.indices.delete(index=INDEX, ignore_unavailable=True)
    for place, document in enumerate(documents_of(batch(records, STREAMS["audit"]))):
        server.index(
            index=INDEX, id=str(place), body={**document.source, "@timestamp": f"2026-11-20T09:{place:02}:00Z"}
        )
    server.indices.refresh(index=INDEX)


@pytest.fixture
def edge(prepared: Rig) -> Client:
    return Client(prepared.edge_url, HTTPBasicAuth("admin", "admin"), str(prepared.ca_file))


def names(found: Answered) -> list[str]:
    return [row.values[who_deleted_pod().shows.index("objectRef.name")] for row in found.rows]


def test_people_stand_first_then_other_programs_then_controllers_then_nodes(server: OpenSearch, edge: Client) -> None:
    stored(
        server,
        [
            pod("person", "a"),
            pod("program", "b", user=TOKEN_HOLDER),
            pod("person-2", "c"),
            pod("controller", "d", user=CONTROLLER),
            pod("node", "e", user=KUBELET),
            pod("controller-2", "f", user=CONTROLLER),
            pod("refused", "g", code=403),
        ],
    )
    found = answer(edge, INDEX, who_deleted_pod(), 20)
    assert names(found) == ["person-2", "person", "program", "controller-2", "controller", "node"]
    assert found.total == 6
    few = answer(edge, INDEX, who_deleted_pod(), 2)
    assert (names(few), few.total) == (["person-2", "person"], 6)


def test_requests_of_one_written_audit_id_are_rows_of_their_own(server: OpenSearch, edge: Client) -> None:
    same = {"auditID": "written-by-the-client"}
    session = {**same, "ref": {"subresource": "exec"}, "verb": "get"}
    stored(
        server,
        [
            pod("first", "a", **same),
            pod("second", "b", **same),
            pod("third", "a", **same),
            # Two records of one request.
            pod("entered", "c", **session, code=101, stage="ResponseStarted"),
            pod("entered", "c", **session, code=101, stage="ResponseComplete"),
            # A session that ended in a panic.
            pod("broken", "d", **session, code=101, stage="ResponseStarted"),
            pod("broken", "d", **session, code=500, stage="Panic"),
        ],
    )
    found = answer(edge, INDEX, who_deleted_pod(), 20)
    assert sorted(names(found)) == ["first", "second", "third"]
    assert found.total == 3
    entered = answer(edge, INDEX, who_entered_pod(), 20)
    stage = who_entered_pod().shows.index("stage")
    assert [row.values[stage] for row in entered.rows] == ["Panic", "ResponseStarted"]
    assert entered.total == 2


def test_what_is_refused_or_a_dry_run_or_of_another_cluster_is_no_cause(server: OpenSearch, edge: Client) -> None:
    evicts = {"ref": {"subresource": "eviction"}, "verb": "create"}
    rows = [
        pod("cart", "a", **evicts, code=429),
        pod("cart", "b", **evicts, requestURI="/api/v1/namespaces/shop/pods/cart/eviction?dryRun=All", code=201),
        pod("cart", "i", user=KUBELET),
    ]
    stored(server, rows)
    others: list[dict[str, Any]] = [{"dry_run": True}, {"cluster": "another"}, {"outcome": "denied"}]
    for place, changes in enumerate(others, start=10):
        (document,) = documents_of(batch([pod("cart", "c", **evicts, code=201)], STREAMS["audit"]))
        source: dict[str, Any] = dict(document.source)
        server.index(index=INDEX, id=str(place), body=source | changes, refresh=True)
    found = answer(edge, INDEX, who_deleted_pod(), 20)
    (kubelet,) = [row for row in found.rows if row.chain]
    assert kubelet.chain is not None
    assert not kubelet.chain.found
    (document,) = documents_of(batch([pod("cart", "d", **evicts, code=201, user=ADA)], STREAMS["audit"]))
    server.index(index=INDEX, id="20", body=dict(document.source), refresh=True)
    found = answer(edge, INDEX, who_deleted_pod(), 20)
    assert found.confirmations == 1


def test_a_cause_that_cloudwatch_logs_cut_is_found_by_the_time_of_its_record(server: OpenSearch, edge: Client) -> None:
    stored(server, [pod("cart", "i", user=KUBELET)])
    (document,) = documents_of(batch([pod("cart", "a")], STREAMS["audit"]))
    cut = {name: value for name, value in document.source.items() if name != "requestReceivedTimestamp"}
    server.index(index=INDEX, id="cut", body={**cut, "@timestamp": "2026-11-20T09:00:10Z"}, refresh=True)
    assert answer(edge, INDEX, who_deleted_pod(), 20).confirmations == 1


def test_causes_of_other_names_than_the_objects_are_found(server: OpenSearch, edge: Client) -> None:
    """What is deleted with all others of its namespace; what has an owner of another name; what makes good a loss."""
    owner = [{"kind": "ReplicaSet", "name": "longer-than-the-pod", "uid": "r", "controller": True}]
    replica_sets = {"username": "system:serviceaccount:kube-system:replicaset-controller"}
    garbage = {"username": "system:serviceaccount:kube-system:generic-garbage-collector"}

    def of_owner(name: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "ownerReferences": owner}}

    def made(name: str, at: str) -> str:
        return pod("", at, verb="create", code=201, user=replica_sets, responseObject=of_owner(name), auditID=name)

    stored(
        server,
        [
            made("longer-than-the-p-bt4v2", "a"),
            # Of a pod that was made before all records.
            pod("longer-than-the-pod-kd2pz", "c", responseObject=of_owner("longer-than-the-pod-kd2pz")),
            made("longer-than-the-pod-szpxc", "d"),
            pod("longer-than-the-pod", "e", ref={"resource": "replicasets", "apiGroup": "apps"}),
            pod("longer-than-the-p-bt4v2", "f", user=garbage),
            pod("", "g", verb="deletecollection"),
            pod("web", "h", user=KUBELET),
        ],
    )

    def told_of(username: str) -> list[str]:
        found = answer(edge, INDEX, what_did_user(username), 20)
        return [told(row.chain) for row in found.rows if row.chain]

    (collected,) = told_of(garbage["username"])
    assert collected == (
        "ada deleted replicasets shop/longer-than-the-pod 09:00:14 → garbage collector → "
        "pod shop/longer-than-the-p-bt4v2"
    )
    assert told_of("system:node:n1") == ["ada deleted pods of shop 09:00:16 → kubelet → pod shop/web"]
    assert told_of(replica_sets["username"])[0] == (
        "ada deleted pod shop/longer-than-the-pod-kd2pz 09:00:12 → replicaset controller → "
        "pod shop/longer-than-the-pod-szpxc"
    )


def test_the_name_of_the_api_server_is_not_enough_to_be_left_out(server: OpenSearch, edge: Client) -> None:
    binding = {"resource": "clusterrolebindings", "name": "ops"}
    body = {"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [{"kind": "User", "name": "x"}]}
    mapped = {**ADA, "username": "system:apiserver"}
    bootstrap = {"username": "system:apiserver", "groups": ["system:masters"]}
    stored(
        server,
        [
            event(
                "create", binding, 201, requestObject=body, user=user, auditID=name, requestReceivedTimestamp=TIMES["a"]
            )
            for name, user in (("mapped", mapped), ("own", bootstrap))
        ],
    )
    found = answer(edge, INDEX, who_granted_everything(), 20)
    assert (found.total, len(found.rows), found.by_api_server) == (1, 1, 1)
    assert "system:apiserver" in found.rows[0].values


def hits(*sources: dict[str, Any], total: int | None = None, failed: int = 0) -> dict[str, Any]:
    """What a search answers."""
    return {
        "timed_out": False,
        "_shards": {"total": 2, "successful": 2 - failed, "failed": failed},
        "hits": {
            "total": {"value": len(sources) if total is None else total, "relation": "eq"},
            "hits": [{"_source": source} for source in sources],
        },
        "aggregations": {"api_server": {"doc_count": 3}},
    }


EVICTED = record(10, JONAS, "create", f"pods/eviction {POD}")
KUBELETS = CONFIRMED | {"message": "system:node:ip-10-0-0-1 deleted pods"}
COLLECTED = record(30, controller("generic-garbage-collector"), "delete", f"pods {POD}", message="deleted")


@pytest.fixture
def wire() -> Iterator[WireServer]:
    with wire_server() as server:
        yield server


def asked(wire: WireServer, *options: str, words: str = "who-deleted pod", **environment: str) -> str:
    connection = ["--endpoint", wire.url, "--index", INDEX, "--region", "eu-central-1"]
    master = {"OPENSEARCH_USERNAME": "admin", "OPENSEARCH_PASSWORD": "admin", "COLUMNS": "80", **environment}
    result = CliRunner().invoke(
        Commands(commands=[ask_command]), ["ask", *words.split(), *options, *connection], env=master
    )
    assert result.exit_code == 0, result.output
    return result.output


ERROR = {"error": {"type": "search_phase_execution_exception", "reason": "too_many_nested_clauses"}, "status": 500}


@pytest.mark.parametrize(
    ("answers", "note"),
    [
        ([(500, ERROR)], "was not looked for in full: 500 at"),
        ([(403, ERROR)], "was not looked for in full: 403 at /"),
        ([(200, None)], "was not looked for in full: "),
        ([(200, hits(EVICTED, total=4000))], "among the newest 1 of 4000 requests"),
        ([(200, hits(EVICTED, failed=1))], "OpenSearch answered in part (1 of 2 shards failed): causes may be missing"),
        ([(200, hits(EVICTED)), (500, ERROR)], "was not looked for in full: 500 at"),
    ],
)
def test_a_search_for_causes_that_fails_or_is_cut_is_told_and_the_answer_given(
    wire: WireServer, answers: list[tuple[int, Any]], note: str
) -> None:
    wire.answers[SEARCH] = [(200, hits(KUBELETS)), *answers]
    output = asked(wire)
    assert "system:node:ip-10-0-0-1 deleted pods" in output
    assert note in output
    assert output.count(note) == 1


def test_there_are_at_most_three_searches_for_causes_and_none_without_need(wire: WireServer) -> None:
    wire.answers[SEARCH] = [(200, hits(COLLECTED)), (200, hits())]
    assert "(cause not among the records)" in asked(wire)
    assert len(wire.asked) == 3
    wire.asked.clear()
    wire.answers[SEARCH] = (200, hits(EVICTED))
    asked(wire)
    assert len(wire.asked) == 1


def test_an_owner_that_only_a_record_names_is_looked_for_in_a_third_search(wire: WireServer) -> None:
    owner = [{"kind": "ReplicaSet", "name": "a-name-of-its-own", "uid": "r"}]
    made = record(5, controller("replicaset-controller"), "create", "pods", generated_name=POD, ownerReferences=owner)
    deleted = record(6, JONAS, "delete", "replicasets a-name-of-its-own")
    wire.answers[SEARCH] = [(200, hits(COLLECTED)), (200, hits()), (200, hits(made)), (200, hits(deleted))]
    assert f"jonas.weber deleted replicasets shop/a-name-of-its-own 08:27:06 → garbage collector → pod shop/{POD}" in (
        asked(wire)
    )
    assert len(wire.asked) == 4
    assert "a-name-of-its-own" in json.dumps(wire.asked[-1][2])


def test_a_query_for_causes_stays_below_the_limit_of_clauses(wire: WireServer) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    many = [
        record(1, controller("namespace-controller"), "delete", f"pods {place}", ref={"namespace": f"n{place}"})
        | {"requestReceivedTimestamp": (first + place * timedelta(hours=3)).isoformat()}
        for place in range(1000)
    ]
    wire.answers[SEARCH] = [(200, hits(*many)), (200, hits())]
    asked(wire, "--rows", "1000")
    _, *searches = [json.dumps(body) for _, _, body in wire.asked]
    for search in searches:
        assert len(re.findall(r'\{"(?:range|terms?|prefix|exists)"', search)) < 512


def test_what_is_not_shown_is_counted(wire: WireServer) -> None:
    wire.answers[SEARCH] = [(200, hits(EVICTED, CONFIRMED, total=100)), (200, hits())]
    output = asked(wire, "--rows", "1", "--all-clusters", "--last", "9d")
    assert "99 records, 1 of them shown: people before programs, and the newest first\n" in output
    assert "1 more by kubelets" in output
    command = f"--endpoint {wire.url} --index {INDEX} --region eu-central-1 --user system:apiserver --all-clusters"
    told = (
        f"3 more by the API server itself: OPENSEARCH_USERNAME=admin eks-logs ask what-did-user {command} --last 9d\n"
    )
    assert told in output


NAMES = ["plain", "\x1b[31mred\x1b[0m", "[bold]b[/bold]", "名前", "a → b"]


@pytest.mark.parametrize("columns", ["20", "80", "400"])
def test_what_is_no_terminal_gets_the_same_whatever_its_width(wire: WireServer, columns: str) -> None:
    rows = [EVICTED | {"message": name, "userAgent": "u" * 300} for name in NAMES]
    rows = [row | {"auditID": str(place)} for place, row in enumerate(rows)]
    wire.answers[SEARCH] = (200, hits(*rows))
    output = asked(wire, COLUMNS=columns)
    assert f"userAgent: {'u' * 300}\n" in output
    assert "\x1b" not in output
    for name in NAMES:
        assert f"\nmessage: {name.replace(chr(27), chr(0xFFFD))}\n" in output
    assert output == asked(wire, COLUMNS="97")


def test_counts_are_whole_where_there_is_no_terminal(wire: WireServer) -> None:
    arn = f"arn:aws:iam::111122223333:role/{'r' * 100}"
    counted = {
        "identities": {"buckets": [{"key": arn, "doc_count": 7, "first_seen": {"value": 1, "value_as_string": "t"}}]}
    }
    wire.answers[SEARCH] = (200, hits(EVICTED) | {"aggregations": counted})
    assert f"│ {arn} │ 7       │ t          │\n" in asked(wire, words="who-is-admin", COLUMNS="40")
    narrow = asked(wire, words="who-is-admin", FORCE_COLOR="1", COLUMNS="60").splitlines()
    assert "".join(line.split("│")[1].strip() for line in narrow if line.startswith("│")) == arn


def test_a_narrow_terminal_gets_a_block_for_each_record_and_a_wide_one_a_table(wire: WireServer) -> None:
    wire.answers[SEARCH] = (200, hits(EVICTED | {"message": "m" * 40, "userAgent": "kubectl/v1.35.4 (linux/amd64)"}))
    narrow = asked(wire, FORCE_COLOR="1", NO_COLOR="1", COLUMNS="80")
    # What is to be pasted stays whole.
    assert max(len(line) for line in narrow.splitlines() if "eks-logs ask" not in line) <= 80
    assert "\x1b" not in narrow
    assert f"message:             {'m' * 40}" in narrow
    wide = asked(wire, FORCE_COLOR="1", NO_COLOR="1", COLUMNS="300")
    assert "│ " + "m" * 40 + " │" in wide
    assert "\x1b[3" not in narrow + wide


def test_a_chain_is_told_in_every_form(wire: WireServer) -> None:
    deleted = record(9, JONAS, "delete", "replicasets cart-58f8bfcc58")
    sentence = f"jonas.weber deleted replicasets shop/cart-58f8bfcc58 08:27:09 → garbage collector → pod shop/{POD}"
    for options, environment in ((["--json"], {}), ([], {}), ([], {"FORCE_COLOR": "1"}), ([], {"COLUMNS": "400"})):
        wire.answers[SEARCH] = [(200, hits(COLLECTED)), (200, hits(deleted))]
        output = asked(wire, *options, **environment)
        if options:
            (found,) = json.loads(output)["records"]
            assert found["cause"]["sentence"] == f"{sentence} (by name)"
            assert found["cause"]["links"][0]["session_name"] == "jonas.weber"
        else:
            assert sentence in " ".join(output.split())
            assert "cause.iam_arn: arn:aws:iam::1:role/a" in " ".join(output.split())
