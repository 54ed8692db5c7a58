"""A real control plane and what was done on it: all of it is stored, and the questions are answered by what happened.

Every folder that holds such records can be named in STORIES; what is expected says nothing of times and made-up names.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import OpenSearch
from requests.auth import HTTPBasicAuth

from eks_logs.answers import Answered
from eks_logs.answers import answer as answer_to
from eks_logs.causes import told
from eks_logs.opensearch.client import Client
from eks_logs.questions import (
    Question,
    what_did_replicaset_controller,
    what_did_user,
    which_calls_failed,
    which_calls_of_client,
    which_iam_identity,
    which_node_runs_pod,
    which_requests_were_denied,
    who_changed_config_map,
    who_deleted_pod,
    who_entered_pod,
    who_granted_everything,
    who_ran_privileged,
    who_read_secrets,
    why_unschedulable,
)
from local.demo import ask
from local.lambda_runtime import TREE
from local.rig import Rig
from tests.payloads import answer, envelope, lambda_event

STORIES = [
    Path(folder)
    for folder in os.environ.get(
        "EKS_LOGS_STORIES", str(TREE.parent / "shared" / "corpus" / "kubernetes-1.35.4")
    ).split(os.pathsep)
]
"""Folders of records, each with the files of STREAM_OF_FILE."""

STREAM_OF_FILE = {
    "audit.jsonl": "kube-apiserver-audit-0123456789abcdef",
    "authenticator.log": "authenticator-0123456789abcdef",
    "kube-apiserver.log": "kube-apiserver-0123456789abcdef",
    "kube-controller-manager.log": "kube-controller-manager-0123456789abcdef",
    "cloud-controller-manager.log": "cloud-controller-manager-0123456789abcdef",
    "kube-scheduler.log": "kube-scheduler-0123456789abcdef",
}
LOGRUS_TIME = re.compile(r'time="([^"]+)"')
# What a ReplicaSet puts behind the name of its Deployment, and the ReplicaSet behind its own.
MADE_UP = re.compile(r"-[a-z0-9]{5,10}-[a-z0-9]{5}\b")
RECORDS_AT_ONCE = 500

Row = dict[str, str]


@dataclass(frozen=True)
class Story:
    """A folder's records in an index of their own."""

    folder: Path
    index: str
    server: OpenSearch
    edge: Client

    def answer(self, question: Question, rows: int = 100) -> Answered:
        """As `ask` has it."""
        return answer_to(self.edge, self.index, question, rows)

    def rows(self, question: Question) -> list[Row]:
        """What a question shows, the oldest first, pods named as their Deployment."""
        found = self.server.search(index=self.index, body=question.request(1000))
        return [
            {name: MADE_UP.sub("", text) for name, text in zip(question.shows, row, strict=True)}
            for row in question.read(found).rows
        ]

    def events(self) -> list[dict[str, Any]]:
        """The audit events as they were written."""
        return [json.loads(line) for line in (self.folder / "audit.jsonl").read_text().splitlines()]


def batches(path: Path, began: datetime) -> Iterator[tuple[int, dict[str, Any]]]:
    """A file as CloudWatch Logs would deliver it: how many records, and the event."""
    records = path.read_text().splitlines()
    events = [
        {"id": f"{path.stem}-{position}", "timestamp": written(record, began), "message": record}
        for position, record in enumerate(records)
    ]
    for first in range(0, len(events), RECORDS_AT_ONCE):
        some = events[first : first + RECORDS_AT_ONCE]
        yield len(some), lambda_event(envelope([], STREAM_OF_FILE[path.name], logEvents=some))


def written(record: str, began: datetime) -> int:
    """When a record was written, in milliseconds; where it does not say the year, when the story began."""
    if record.startswith("{") and "stageTimestamp" in (event := json.loads(record)):
        time = datetime.fromisoformat(event["stageTimestamp"])
    elif told := LOGRUS_TIME.match(record):
        time = datetime.fromisoformat(told[1])
    else:
        time = began
    return int(time.timestamp() * 1000)


@pytest.fixture(scope="module", params=STORIES, ids=lambda folder: folder.name)
def story(request: pytest.FixtureRequest, prepared: Rig, server: OpenSearch) -> Story:
    folder: Path = request.param
    index = f"eks-control-plane-logs-story-{STORIES.index(folder)}"
    first = json.loads((folder / "audit.jsonl").read_text().splitlines()[0])
    began = datetime.fromisoformat(first["stageTimestamp"]).astimezone(UTC)
    with prepared.lambda_runtime({"INDEX_NAME": index}) as function:
        for name in STREAM_OF_FILE:
            for records, event in batches(folder / name, began):
                assert function.invoke(event).payload == answer(records, records)
    server.indices.refresh(index=index)
    edge = Client(prepared.edge_url, HTTPBasicAuth("admin", "admin"), str(prepared.ca_file))
    return Story(folder, index, server, edge)


pytestmark = pytest.mark.skipif(
    not all(folder.is_dir() for folder in STORIES), reason="the folder of a real control plane is not beside this tree"
)

ADMIN = ("kubernetes-admin", "jonas.weber")
WHO = ("actor.username", "actor.session_name")
OF_OBJECT = ("objectRef.namespace", "objectRef.name")
POWERS = tuple(f"workload.{power}" for power in ("privileged", "host_network", "host_pid", "host_paths"))

EXACTLY: list[tuple[Question, tuple[str, ...], set[tuple[str, ...]]]] = [
    (
        who_deleted_pod(),
        (*WHO, "message", *OF_OBJECT),
        {
            (*ADMIN, f"kubernetes-admin evicted pod shop/{pod}: 201", "shop", pod)
            for pod in ("cart", "checkout", "debug")
        },
    ),
    (
        who_entered_pod(),
        (*WHO, "objectRef.subresource", *OF_OBJECT),
        {(*ADMIN, "exec", "shop", "cart"), (*ADMIN, "portforward", "shop", "cart")},
    ),
    (
        who_granted_everything(),
        (*WHO, "objectRef.resource", "rbac.role_kind", "rbac.role_name", "rbac.subjects"),
        {(*ADMIN, "clusterrolebindings", "ClusterRole", "cluster-admin", "User:eve")},
    ),
    (
        who_ran_privileged(),
        (*WHO, "outcome", "workload.kind", *OF_OBJECT, *POWERS),
        {
            (*ADMIN, "allowed", "Pod", "shop", "debug", "True", "True", "True", "/"),
            (*ADMIN, "allowed", "Pod", "shop", "cart", "", "", "", ""),
        },
    ),
    (who_changed_config_map(), (*WHO, "verb"), {(*ADMIN, "create"), (*ADMIN, "patch")}),
    (
        who_read_secrets(),
        (*WHO, "verb", *OF_OBJECT),
        {(*ADMIN, "get", "shop", "db"), (*ADMIN, "list", "", "")},
    ),
    (why_unschedulable("big", "shop"), ("klog.pod",), {("shop/big",)}),
    (which_node_runs_pod("big", "shop"), ("message",), set()),
]
"""Questions, and all that they find, in some of the columns that they show."""

AMONG: list[tuple[Question, set[str]]] = [
    (
        which_calls_of_client("kubectl", verb="delete"),
        {"kubernetes-admin deleted deployments shop/cart: 200", "kubernetes-admin deleted namespaces shop/shop: 200"},
    ),
    (
        which_requests_were_denied(),
        {
            "ci-deployer may not patch deployments/scale shop/cart: 403 Forbidden",
            "ci-deployer may not delete secrets shop/db: 403 Forbidden",
            "viewer:maria.keller may not get secrets shop/db: 403 Forbidden",
            "viewer:maria.keller may not delete deployments shop/cart: 403 Forbidden",
            "system:serviceaccount:shop:robot may not list pods in namespace shop: 403 Forbidden",
            "system:serviceaccount:shop:robot may not list secrets in namespace shop: 403 Forbidden",
            "system:anonymous may not list secrets: 403 Forbidden",
            "kubernetes-admin may not create pods shop/over: 403 Forbidden",
            "access denied: arn:aws:iam::111122223333:role/unknown: identity is not mapped",
        },
    ),
    (which_calls_failed(), {"kubernetes-admin failed to create services shop/nope: 500 InternalError"}),
    (
        what_did_user("kubernetes-admin"),
        {
            "kubernetes-admin as maria.keller listed pods in namespace shop: 200",
            "kubernetes-admin created serviceaccounts/token shop/robot: 201",
        },
    ),
]
"""Questions, and some of the sentences that they find, each of them once."""


def by_text(part: object) -> str:
    return part.text if isinstance(part, Question) else ""


@pytest.mark.parametrize(("question", "columns", "expected"), EXACTLY, ids=by_text)
def test_a_question_finds_what_happened_and_nothing_else(
    story: Story, question: Question, columns: tuple[str, ...], expected: set[tuple[str, ...]]
) -> None:
    assert {tuple(row[name] for name in columns) for row in story.rows(question)} == expected


@pytest.mark.parametrize(("question", "expected"), AMONG, ids=by_text)
def test_what_happened_is_found_once(story: Story, question: Question, expected: set[str]) -> None:
    sentences = [row["message"] for row in story.rows(question)]
    assert {sentence: sentences.count(sentence) for sentence in expected} == dict.fromkeys(expected, 1)


@pytest.mark.parametrize(
    "question",
    [
        who_deleted_pod(),
        who_entered_pod(),
        who_granted_everything(),
        who_ran_privileged(),
        who_read_secrets(),
        which_requests_were_denied(),
        which_calls_failed(),
        what_did_user("kubernetes-admin"),
    ],
    ids=by_text,
)
def test_a_request_is_one_row(story: Story, question: Question) -> None:
    hits = story.server.search(index=story.index, body={**question.request(1000), "_source": ["auditID"]})
    found = [hit["_source"]["auditID"] for hit in hits["hits"]["hits"] if "auditID" in hit["_source"]]
    assert len(found) == len(set(found)) > 0


def test_no_answered_request_is_missing_for_want_of_a_stage(story: Story) -> None:
    """The filter that finds a request once finds each that was answered."""
    answered = {event["auditID"] for event in story.events() if event["stage"] != "RequestReceived"}
    body = {"query": which_calls_of_client("").query, "aggs": {"ids": {"terms": {"field": "auditID", "size": 65_000}}}}
    buckets = story.server.search(index=story.index, body=body | {"size": 0})["aggregations"]["ids"]["buckets"]
    assert {bucket["key"] for bucket in buckets} == answered
    assert {bucket["doc_count"] for bucket in buckets} == {1}


def test_every_drained_pod_is_said_to_be_evicted_and_not_by_its_kubelet(story: Story) -> None:
    evicted = [
        event["objectRef"]["name"]
        for event in story.events()
        if event.get("objectRef", {}).get("subresource") == "eviction" and event["responseStatus"]["code"] == 201
    ]
    assert len(evicted) == len(story.rows(who_deleted_pod())) > 0
    for pod in evicted:
        first, *others = story.rows(who_deleted_pod(pod, "shop"))
        assert (first["actor.username"], first["actor.session_name"]) == ADMIN
        assert first["message"].startswith("kubernetes-admin evicted pod shop/")
        # Its namespace was deleted later, and all pods of it.
        assert {row["message"] for row in others} <= {
            "system:serviceaccount:kube-system:namespace-controller deleted all pods in namespace shop: 200"
        }


def test_kubelets_and_controllers_stand_apart(story: Story) -> None:
    apart = who_deleted_pod().by_controllers()
    assert apart is not None
    users = {row["actor.username"].split(":")[1] for row in story.rows(apart)}
    assert users == {"node", "serviceaccount"}
    bootstrap = who_granted_everything().by_controllers()
    assert bootstrap is not None
    assert "system:apiserver" in {row["actor.username"] for row in story.rows(bootstrap)}


def test_who_was_denied_is_no_controller(story: Story) -> None:
    sentences = [row["message"] for row in story.rows(which_requests_were_denied())]
    assert [sentence for sentence in sentences if "kube-system" in sentence.split(" may not ")[0]] == []
    # Eve, nobody and a bad token: not authenticated, so without a name.
    assert len([sentence for sentence in sentences if sentence.startswith("someone may not list pods")]) == 3
    # To impersonate kubernetes-admin.
    assert any(sentence.startswith("viewer:maria.keller may not list pods") for sentence in sentences)


def test_calls_that_failed_are_those_of_the_story(story: Story) -> None:
    sentences = {row["message"] for row in story.rows(which_calls_failed())}
    assert "kubernetes-admin failed to forward ports of pod shop/cart: 500" in sentences
    assert [sentence for sentence in sentences if "readyz" in sentence] == []


def test_the_first_administrator_is_named(story: Story) -> None:
    counted = ask(story.server, story.index, which_iam_identity()).counts["identities"]
    assert [bucket.value for bucket in counted] == ["arn:aws:iam::111122223333:role/platform-admin"]


def sentences(found: Answered) -> list[str]:
    """What is told of causes, with made-up names and times taken out."""
    texts = [told(row.chain) for row in found.rows if row.chain]
    return [re.sub(r" \d\d:\d\d:\d\d", "", MADE_UP.sub("", text)) for text in texts]


def test_whoever_caused_that_pods_are_gone_is_named(story: Story) -> None:
    found = story.answer(who_deleted_pod())
    users = [row.values[who_deleted_pod().shows.index("actor.username")] for row in found.rows]
    people = [user for user in users if not user.startswith("system:")]
    assert (set(people), users[: len(people)]) == ({"kubernetes-admin"}, people)
    causes = sentences(found)
    assert "jonas.weber deleted deployments shop/cart → garbage collector → pod shop/cart" in causes
    assert any(cause.startswith("jonas.weber deleted namespace shop → namespace controller") for cause in causes)
    assert any(cause.startswith("ci-deployer patched deployments shop/cart (set image) → ") for cause in causes)
    assert [cause for cause in causes if cause.endswith("records)")] == []
    # Of kubelets no more than what nobody else has asked for, such as the end of a Job's pod, and that is told.
    kubelets = [row for row, user in zip(found.rows, users, strict=True) if user.startswith("system:node:")]
    assert found.confirmations > 0
    assert all(row.chain and len(row.chain.links) > 1 for row in kubelets)
    assert (found.total, found.notes) == (len(found.rows), ())


def test_a_few_rows_are_the_peoples_and_have_their_causes_too(story: Story) -> None:
    everything = story.answer(who_deleted_pod())
    few = story.answer(who_deleted_pod(), rows=8)
    assert few.rows == everything.rows[:8]
    assert few.total >= everything.total


def test_sessions_in_pods_are_one_row_for_each_request(story: Story) -> None:
    entered = {
        (event["auditID"], event["requestReceivedTimestamp"], event["requestURI"])
        for event in story.events()
        if event.get("objectRef", {}).get("subresource") in ("exec", "attach", "portforward")
    }
    found = story.answer(who_entered_pod())
    assert found.total == len(found.rows) == len(entered) > 0


def test_the_bootstrap_of_the_api_server_is_counted_and_no_row(story: Story) -> None:
    found = story.answer(who_granted_everything())
    user = who_granted_everything().shows.index("actor.username")
    users = [row.values[user] for row in found.rows]
    assert users[0] == "kubernetes-admin"
    assert "system:apiserver" not in users
    assert found.by_api_server > 0
    assert found.total == len(found.rows)


def test_whatever_the_replica_set_controller_made_has_its_cause(story: Story) -> None:
    found = story.answer(what_did_replicaset_controller(), rows=1000)
    verb = what_did_replicaset_controller().shows.index("verb")
    made = [row for row in found.rows if row.values[verb] == "create" and row.chain]
    assert {row.chain.links[0].who for row in made if row.chain} == {"ci-deployer", "jonas.weber"}
    assert all(row.chain and row.chain.found for row in made)
