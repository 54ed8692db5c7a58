"""Every question is asked of the real OpenSearch; what it must find is written down by hand, by file and position."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opensearchpy import OpenSearch

from eks_logs.opensearch import json_file
from eks_logs.questions import (
    ASKING,
    Question,
    all_questions,
    how_many_calls_per_code,
    slug,
    what_did_user,
    what_makes_the_volume,
    which_calls_of_client,
    which_iam_identity,
    which_node_runs_pod,
    who_changed_config_map,
    who_deleted_pod,
    who_is_behind,
    why_unschedulable,
)
from local.demo import ask
from local.forwarding import EVENTS, subscription_message
from local.sample_questions import sample_questions
from tests.conftest import SAMPLES

# Without 19 (RequestReceived), 26 and 69 (the ends of sessions whose beginnings are 25 and 68).
ADMIN_ALLOWED = [5, 6, 13, 17, 18, 20, 25, 27, 28, 29, 30, 31, 32, 37, 39, 45, 50, 61, 63, 68, 70]
ADMIN_AUDIT = [*ADMIN_ALLOWED, 53]
OLD_KUBECTL = [17, 18, 20, 25, 27, 28, 29, 30, 39, 45]
# Who has a cluster-admin access policy, and no group.
FOUNDER = 67
EXPECTED: dict[int, dict[str, list[int]]] = {
    1: {"audit": [*ADMIN_ALLOWED, FOUNDER], "authenticator": [6, 10]},
    2: {"audit": ADMIN_AUDIT},
    3: {"audit": OLD_KUBECTL},
    4: {"audit": [6, 8]},
    5: {"audit": [3, 4, 33, 36, 47, 51, 53], "authenticator": [4, 12]},
    6: {"audit": [10], "scheduler": [4]},
    7: {"audit": [54, 55, 56, 57]},
    8: {"audit": [23, 24, 42, 43]},
    9: {"audit": [14, 15, 16]},
    10: {"audit": [20]},
    12: {"audit": [37, 39]},
    13: {"scheduler": [8, 10]},
    14: {"audit": [25, 48, 50, 51, 68]},
    15: {"audit": [27, 39, 44, 45, 47]},
    16: {"audit": [28, 31, 70]},
    17: {"audit": [18, 30, 35]},
    18: {"audit": [0, 2]},
    19: {"audit": [58, 59]},
    20: {"audit": ADMIN_AUDIT, "authenticator": [5, 6, 9, 10]},
}
"""Question to file of events/ to positions of the records in it."""

BY_CONTROLLERS = {5: [42], 10: [16, 64], 15: [71, 72, 73], 16: [74], 17: [34]}
"""Question to positions in audit.json, where what controllers, components and nodes did stands apart."""

ASKED_OTHERWISE: list[tuple[Question, dict[str, list[int]]]] = [
    (what_did_user("tomas.okafor"), {"audit": [22, 33, 36, 41, 44, 47, 48, 51, 52, 66]}),
    (what_did_user("tomas?okafor"), {}),
    (what_did_user("*"), {}),
    (what_did_user("\\"), {}),
    (which_calls_of_client("kubectl/v1.22.0", verb="get"), {"audit": [17, 30]}),
    (which_node_runs_pod("my-app"), {"audit": [10], "scheduler": [4]}),
    (which_node_runs_pod(namespace="nowhere"), {}),
    (which_iam_identity("arn:aws:sts::111122223333:assumed-role/ShopFounder/ada.moreno"), {"authenticator": [16]}),
    (which_iam_identity("kubernetes-admin"), {"authenticator": [6, 10]}),
    (who_changed_config_map("another", "kube-system"), {}),
    (who_deleted_pod(), {"audit": [20, 22, 63, 65, 66]}),
    (who_deleted_pod(namespace="default"), {"audit": [20]}),
    (who_deleted_pod("shop-frontend-6c8d5b7f94-k7x2m", "shop"), {"audit": [63]}),
    (who_deleted_pod("my-app", "staging"), {"audit": [22, 66]}),
    (who_deleted_pod("of-that-label", "staging"), {"audit": [66]}),
    (who_deleted_pod("my-app-7d4b9c6f5d-x2x8q", "default"), {"audit": [16]}),
    (why_unschedulable("checkout-6f5d8c7b9-ht4wn", "shop"), {"scheduler": [8]}),
    (why_unschedulable(namespace="shop"), {"scheduler": [8, 10]}),
    (why_unschedulable("my-app"), {}),
    (
        who_is_behind("arn:aws:iam::111122223333:user/ci-deployer"),
        {"audit": [7, 8, 9, 21, 46, 54], "authenticator": [8]},
    ),
]


def records(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = subscription_message((EVENTS / f"{name}.json").read_bytes())["logEvents"]
    return found


def ids(positions_by_file: dict[str, list[int]]) -> set[str]:
    return {records(name)[position]["id"] for name, positions in positions_by_file.items() for position in positions}


def found_ids(server: OpenSearch, question: Question, size: int = 100) -> set[str]:
    hits = server.search(index=SAMPLES, body=question.request(size))["hits"]["hits"]
    return {hit["_id"] for hit in hits}


@pytest.mark.parametrize("number", EXPECTED)
def test_a_question_finds_exactly_its_records(samples: OpenSearch, number: int) -> None:
    (question,) = [question for question in sample_questions() if question.number == number]
    assert found_ids(samples, question) == ids(EXPECTED[number])


@pytest.mark.parametrize(("question", "expected"), ASKED_OTHERWISE, ids=lambda part: getattr(part, "text", ""))
def test_what_a_person_chooses_is_found_and_nothing_else(
    samples: OpenSearch, question: Question, expected: dict[str, list[int]]
) -> None:
    assert found_ids(samples, question) == ids(expected)


@pytest.mark.parametrize("number", BY_CONTROLLERS)
def test_what_controllers_did_stands_apart(samples: OpenSearch, number: int) -> None:
    (question,) = [question for question in all_questions() if question.number == number]
    apart = question.by_controllers()
    assert apart is not None
    assert found_ids(samples, apart) == ids({"audit": BY_CONTROLLERS[number]})
    assert found_ids(samples, question) & found_ids(samples, apart) == set()
    everything = {"query": question.everything}
    assert samples.count(index=SAMPLES, body=everything)["count"] == len(
        found_ids(samples, question) | found_ids(samples, apart)
    )


def test_other_questions_have_nothing_apart() -> None:
    assert {question.number for question in all_questions() if question.by_controllers()} == set(BY_CONTROLLERS)


def test_administrators_are_named_the_first_seen_first(samples: OpenSearch) -> None:
    answer = ask(samples, SAMPLES, which_iam_identity())
    role = "arn:aws:iam::111122223333:role"
    assert [(bucket.value, bucket.metrics) for bucket in answer.counts["identities"]] == [
        (f"{role}/ShopPlatformAdmin", {"first_seen": "2026-11-20T09:05:30.184Z"}),
        (f"{role}/ShopFounder", {"first_seen": "2026-11-20T09:55:20.104Z"}),
    ]
    newest_first = which_iam_identity().request(1, newest_first=True)
    (first,) = samples.search(index=SAMPLES, body=newest_first)["hits"]["hits"]
    assert first["_id"] == records("authenticator")[6]["id"]


# What stands before the cut in the one record that is cut off; its `auditID` is in no other record.
CUT_OFF = {
    "auditID": "cut",
    "verb": "update",
    "userAgent": "Helm/3.18.4",
    "objectRef": {"resource": "configmaps"},
    "responseStatus": {"code": 200},
}


def audit_events() -> Iterator[tuple[int, dict[str, Any]]]:
    """Bytes and content of each audit record."""
    for record in records("audit"):
        text = record["message"]
        yield len(text.encode()), CUT_OFF if text.endswith("[Truncated...]") else json.loads(text)


def test_calls_and_records_are_counted_by_response_code(samples: OpenSearch) -> None:
    audit_ids: dict[str, list[str]] = {}
    for _, event in audit_events():
        if "responseStatus" in event:
            audit_ids.setdefault(str(event["responseStatus"]["code"]), []).append(event["auditID"])
    answer = ask(samples, SAMPLES, how_many_calls_per_code())
    counted = {bucket.value: (bucket.metrics["calls"], bucket.records) for bucket in answer.counts["codes"]}
    assert counted == {code: (len(set(found)), len(found)) for code, found in audit_ids.items()}
    assert counted["101"] == (4, 7)


VOLUME_OF: dict[str, Callable[[dict[str, Any]], str | None]] = {
    "user_agents": lambda event: event.get("userAgent"),
    "resources": lambda event: event.get("objectRef", {}).get("resource"),
    "verbs": lambda event: event["verb"],
}


@pytest.mark.parametrize("name", VOLUME_OF)
def test_the_volume_of_audit_events_is_counted(samples: OpenSearch, name: str) -> None:
    sizes: dict[str, list[int]] = {}
    for size, event in audit_events():
        if (value := VOLUME_OF[name](event)) is not None:
            sizes.setdefault(value, []).append(size)
    answer = ask(samples, SAMPLES, what_makes_the_volume(top=100))
    counted = {bucket.value: (bucket.metrics["bytes"], bucket.records) for bucket in answer.counts[name]}
    assert counted == {value: (sum(found), len(found)) for value, found in sizes.items()}


def test_volume_is_counted_in_records_and_bytes(samples: OpenSearch) -> None:
    expected: Counter[str] = Counter()
    for name in ("api", "audit", "authenticator", "controllerManager", "cloudControllerManager", "scheduler"):
        log_type = "controllerManager" if name == "cloudControllerManager" else name
        expected[log_type] += sum(len(record["message"].encode()) for record in records(name))
    answer = ask(samples, SAMPLES, what_makes_the_volume())
    assert {bucket.value: bucket.metrics["bytes"] for bucket in answer.counts["log_types"]} == dict(expected)
    assert {name for name, buckets in answer.counts.items() if not buckets} == set()


@pytest.mark.parametrize("number", EXPECTED)
def test_a_question_without_anything_chosen_finds_those_records_too(samples: OpenSearch, number: int) -> None:
    (question,) = [question for question in all_questions() if question.number == number]
    assert found_ids(samples, question) >= ids(EXPECTED[number])


@pytest.mark.parametrize("asked", [all_questions, sample_questions])
def test_there_are_21_questions_in_their_order(asked: Callable[[], tuple[Question, ...]]) -> None:
    questions = asked()
    assert [question.number for question in questions] == list(range(1, 22))
    assert len({question.text for question in questions}) == len(ASKING)
    assert len({slug(asking) for asking in ASKING}) == len(ASKING)


PROPERTIES = json_file("index_template.json")["template"]["mappings"]["properties"]


def mapped(properties: dict[str, Any], path: str = "") -> set[str]:
    names: set[str] = set()
    for name, mapping in properties.items():
        names |= {f"{path}{name}", *(f"{path}{name}.{part}" for part in mapping.get("fields", {}))}
        names |= mapped(mapping.get("properties", {}), f"{path}{name}.")
    return names


def fields_of(query: Any) -> set[str]:
    """Every field that a query or an aggregation names."""
    if isinstance(query, list):
        return {name for part in query for name in fields_of(part)}
    if not isinstance(query, dict):
        return set()
    names: set[str] = set()
    for key, part in query.items():
        if key in {"term", "terms", "prefix", "wildcard", "range"} and "field" not in part:
            names |= set(part)
        elif key == "field":
            names.add(part)
        else:
            names |= fields_of(part)
    return names


def unmapped(question: Question) -> set[str]:
    """The fields of a question that no document can be found by, or that no document shows."""
    known = mapped(PROPERTIES)
    bodies = ("requestObject.", "responseObject.")
    shown = {name for name in question.shows if not name.startswith(bodies)}
    return (fields_of(question.query) | fields_of(question.aggregations) | shown) - known


@pytest.mark.parametrize("question", [*all_questions(), *sample_questions()], ids=lambda question: question.text)
def test_every_field_of_a_question_is_mapped(question: Question) -> None:
    assert unmapped(question) == set()
    assert fields_of(question.query) or question.query == {"match_all": {}}


def test_a_misspelt_field_is_noticed() -> None:
    query = {"bool": {"filter": [{"term": {"actor.usernam": "x"}}], "must_not": []}}
    counts = {"codes": {"terms": {"field": "responseStatus.cod"}}}
    question = Question(99, "?", query, ("@timestamp", "verbs"), counts)
    assert unmapped(question) == {"actor.usernam", "responseStatus.cod", "verbs"}


def texts(properties: dict[str, Any], path: str = "") -> set[str]:
    """The fields that are searched by words: a term finds little in them, and a terms aggregation is refused."""
    names = {f"{path}{name}" for name, mapping in properties.items() if mapping.get("type") == "text"}
    return names.union(
        *(texts(mapping.get("properties", {}), f"{path}{name}.") for name, mapping in properties.items())
    )


@pytest.mark.parametrize("question", [*all_questions(), *sample_questions()], ids=lambda question: question.text)
def test_no_question_takes_words_for_exact_values(question: Question) -> None:
    assert {"userAgent", "@message"} <= texts(PROPERTIES)
    assert (fields_of(question.query) | fields_of(question.aggregations)) & texts(PROPERTIES) == set()
