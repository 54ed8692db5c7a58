"""What a client writes to have its action not found, told as another's or told as not done; and what is made of it."""

import json
from typing import Any

import pytest

from forwarder.formats.audit.reader import MOST_EVENTS, split_event_list
from forwarder.pipeline import documents_of
from tests.payloads import STREAMS, batch
from tests.test_documents import AUDIT_EVENT, audit, only

URI = "/api/v1/namespaces/prod/pods/db"
POD = {"resource": "pods", "namespace": "prod", "name": "db", "apiVersion": "v1"}
CUSTOM = {**POD, "apiGroup": "example.com"}
BINDING = {"resource": "clusterrolebindings", "apiGroup": "rbac.authorization.k8s.io"}
OPTIONS = {"kind": "DeleteOptions", "apiVersion": "v1"}
DRY, WET = {**OPTIONS, "dryRun": ["All"]}, OPTIONS


def told(**changes: Any) -> Any:
    event = {"objectRef": POD, "requestURI": URI, "user": {"username": "ada"}}
    return audit(**event | changes)


def part(subresource: str) -> dict[str, Any]:
    return {"verb": "create", "objectRef": {**POD, "subresource": subresource}}


@pytest.mark.parametrize(
    "changes",
    [
        {"requestURI": f"{URI}?dryRun=All"},
        {"requestURI": f"{URI}?gracePeriodSeconds=0&dryRun=All&dryRun=All"},
        {"requestURI": f"{URI}?dry%52un=%41ll"},
        {"requestObject": DRY},
        {"requestObject": {**OPTIONS, "dryRun": ["All", "All"]}, "level": "Request"},
        {"verb": "deletecollection", "requestURI": f"{URI}?dryRun=All"},
        {"verb": "create", "objectRef": BINDING, "requestURI": "/apis/x?dryRun=All", "level": "Metadata"},
        {"verb": "patch", "requestURI": f"{URI}?fieldManager=a&dryRun=All"},
        {"verb": "update", "requestURI": f"{URI}?dryRun=All", "responseStatus": {"code": 403}},
        {"verb": "update", "objectRef": CUSTOM, "requestURI": f"{URI}?dryRun=All", "requestObject": {"a": 1}},
        {**part("eviction"), "requestURI": f"{URI}/eviction?dryRun=All"},
        {**part("eviction"), "requestObject": {"kind": "Eviction", "deleteOptions": DRY}},
        {**part("binding"), "requestURI": f"{URI}/binding?dryRun=All"},
    ],
)
def test_a_dry_run_is_told_as_one(changes: dict[str, Any]) -> None:
    source = told(**changes)
    assert source["dry_run"] is True
    assert source["message"].endswith(" (dry run)")


@pytest.mark.parametrize(
    "changes",
    [
        {"requestURI": f"{URI}?x=dryRun=All"},
        {"requestURI": f"{URI}?x=%26dryRun=All"},
        {"requestURI": f"{URI}?dryrun=All"},
        {"requestURI": f"{URI}?dryRun=all"},
        {"requestURI": f"{URI}?dryRun="},
        {"requestURI": f"{URI}?dryRun=All&dryRun=None", "verb": "update"},
        {"requestURI": f"{URI}?x;dryRun=All"},
        {"requestURI": f"{URI}?dryRun=All;x"},
        {"requestURI": f"{URI}?dryRun=All%zz"},
        {"requestURI": f"{URI}%3FdryRun=All"},
        {"userAgent": "?dryRun=All"},
        # The body outweighs the query, and is not always recorded.
        {"requestURI": f"{URI}?dryRun=All", "requestObject": WET},
        {"requestURI": f"{URI}?dryRun=All", "requestObject": {}},
        {"requestURI": f"{URI}?dryRun=All", "level": "Metadata"},
        {"requestURI": f"{URI}?dryRun=All", "annotations": {"audit.k8s.io/truncated": "true"}},
        # By another API server, for all that is known.
        {"requestURI": f"{URI}?dryRun=All", "objectRef": CUSTOM},
        {"verb": "update", "objectRef": CUSTOM, "requestURI": f"{URI}?dryRun=All"},
        {"requestURI": f"{URI}?dryRun=All", "responseStatus": {"code": 403}},
        {"requestObject": {**OPTIONS, "dryRun": "All"}},
        {"requestObject": {**OPTIONS, "dryRun": []}},
        {"requestObject": {**OPTIONS, "dryRun": ["All", "None"]}},
        # What knows of no dry run.
        {**part("exec"), "requestURI": f"{URI}/exec?command=id&dryRun=All"},
        {**part("attach"), "requestURI": f"{URI}/attach?dryRun=All"},
        {**part("portforward"), "requestURI": f"{URI}/portforward?dryRun=All"},
        {"objectRef": {**POD, "subresource": "proxy"}, "requestURI": f"{URI}/proxy?dryRun=All"},
        {
            "verb": "create",
            "objectRef": {"resource": "serviceaccounts", "namespace": "prod", "name": "a", "subresource": "token"},
            "requestURI": "/api/v1/namespaces/prod/serviceaccounts/a/token?dryRun=All",
        },
        {"verb": "get", "requestURI": f"{URI}?dryRun=All"},
        {"verb": "list", "requestURI": f"{URI}?dryRun=All"},
        {"verb": "delete", "objectRef": ..., "requestURI": "/x?dryRun=All"},
        {
            "verb": "update",
            "objectRef": {**POD, "apiGroup": "subresources.kubevirt.io", "subresource": "stop"},
            "requestURI": f"{URI}/stop?dryRun=All",
        },
        # So long that what is stored of it is not all.
        {"verb": "update", "requestURI": f"{URI}?dryRun=All&{'x' * 9000}"},
    ],
)
def test_nothing_else_is_told_as_a_dry_run(changes: dict[str, Any]) -> None:
    source = told(**changes)
    assert "dry_run" not in source
    assert "(dry run)" not in source["message"]


def test_a_record_that_is_cut_off_is_no_dry_run_by_its_query() -> None:
    record = json.dumps({**AUDIT_EVENT, "requestURI": f"{URI}?dryRun=All", "requestObject": WET})
    source = only("audit", record[: record.index('"requestObject"')])
    assert (source["truncated"], source["outcome"]) == (True, "allowed")
    assert "dry_run" not in source


@pytest.mark.parametrize(
    ("changes", "sentence", "outcome"),
    [
        ({"stage": "x", "responseStatus": ...}, "ada asked to delete pods prod/db (x)", None),
        ({"stage": ..., "responseStatus": ...}, "ada asked to delete pods prod/db", None),
        ({"responseStatus": {"code": 302}}, "ada asked to delete pods prod/db: 302", "allowed"),
        ({"verb": "get", "responseStatus": {"code": 304}}, "ada read pods prod/db: 304", "allowed"),
        ({"responseStatus": {"code": 0}, "stage": ...}, "ada asked to delete pods prod/db: 0", None),
        ({"responseStatus": {"status": "Success"}, "stage": ...}, "ada deleted pods prod/db", "allowed"),
        ({"responseStatus": {"status": "Failure"}}, "ada failed to delete pods prod/db", "failed"),
        ({"responseStatus": {"reason": "Forbidden"}}, "ada may not delete pods prod/db: Forbidden", "denied"),
        (
            {"annotations": {"authorization.k8s.io/decision": "forbid"}, "responseStatus": ...},
            "ada may not delete pods prod/db",
            "denied",
        ),
        # Of another type than it should be.
        ({"responseStatus": [{"code": 403}]}, "ada may not delete pods prod/db: 403", "denied"),
        ({"responseStatus": "403"}, "ada may not delete pods prod/db: 403", "denied"),
        ({"responseStatus": 404}, "ada failed to delete pods prod/db: 404", "failed"),
        ({"responseStatus": {"code": "403"}}, "ada may not delete pods prod/db: 403", "denied"),
        ({"responseStatus": {"code": 403.0}}, "ada may not delete pods prod/db: 403", "denied"),
        (
            {"responseStatus": {"code": ["403"], "reason": ["Forbidden"]}},
            "ada may not delete pods prod/db: Forbidden",
            "denied",
        ),
        ({"user": "ada"}, "ada deleted pods prod/db: 200", "allowed"),
        ({"user": ["ada"]}, "ada deleted pods prod/db: 200", "allowed"),
        ({"user": [{"username": ["ada"]}]}, "ada deleted pods prod/db: 200", "allowed"),
        ({"objectRef": [POD]}, "ada deleted pods prod/db: 200", "allowed"),
        ({"objectRef": {**POD, "name": ["db"]}, "verb": ["delete"]}, "ada deleted pods prod/db: 200", "allowed"),
        # Grammar.
        ({"verb": ""}, "ada called pods prod/db: 200", "allowed"),
        ({"verb": "bind"}, "ada called bind on pods prod/db: 200", "allowed"),
        ({"verb": "options", "objectRef": ..., "requestURI": "/x"}, "ada asked for the options of /x: 200", "allowed"),
        (
            {"verb": "options", "objectRef": ..., "requestURI": "/x", "responseStatus": {"code": 405}},
            "ada failed to ask for the options of /x: 405",
            "failed",
        ),
    ],
)
def test_past_tense_is_for_what_was_done(changes: dict[str, Any], sentence: str, outcome: str | None) -> None:
    source = told(**changes)
    assert (source["message"], source.get("outcome")) == (sentence, outcome)


BLANKS = [" ", "\u00a0", "\u3000", "\u2003", "\u2800", "\t", "\u200b", "\u00ad", "\ufeff", "\u2060", "\u180e", "\ufff9"]


@pytest.mark.parametrize(
    "blank", [*BLANKS, "\u115f", "\u034f", "\U000e0041", "\u3164", "\uffa0", "\ufe0f", "\n", "\u202e"]
)
@pytest.mark.parametrize(
    "place",
    [
        lambda text: {"user": {"username": text}},
        lambda text: {"impersonatedUser": {"username": text}},
        lambda text: {"objectRef": {**POD, "name": text}},
        lambda text: {"objectRef": {**POD, "namespace": text}},
        lambda text: {"objectRef": {**POD, "resource": text}},
        lambda text: {"objectRef": {**POD, "subresource": text}},
        lambda text: {"verb": text},
        lambda text: {"responseStatus": {"code": 404, "reason": text}},
        lambda text: {"objectRef": ..., "requestURI": text},
        lambda text: {"stage": text},
        lambda text: {
            "verb": "create",
            "objectRef": {"resource": "pods"},
            "responseObject": {"kind": "Pod", "metadata": {"name": text}},
        },
    ],
)
def test_no_part_reads_as_a_sentence(blank: str, place: Any) -> None:
    sentence = told(**place(f"x:{blank}200.{blank}root{blank}deleted"))["message"]
    escaped = blank if blank == " " else ascii(blank)[1:-1]
    assert f'"x:{escaped}200.{escaped}root{escaped}deleted"' in sentence
    assert blank == " " or blank not in sentence


def test_a_quote_does_not_end_a_quoted_part() -> None:
    sentence = told(objectRef={**POD, "name": 'x" deleted "y'})["message"]
    assert sentence == 'ada deleted pods prod/"x\\" deleted \\"y": 200'


def test_a_backslash_is_not_taken_for_an_escape() -> None:
    assert told(user={"username": "x\\u200b"})["message"] == r'"x\\u200b" deleted pods prod/db: 200'
    assert told(objectRef={**POD, "name": "x\\"})["message"] == r'ada deleted pods prod/"x\\": 200'


@pytest.mark.parametrize("name", ["system:node:ip-10-0-0-1", "arn:aws:sts::1:assumed-role/A/ada", "ada@x.org", "語"])
def test_everyday_names_are_not_quoted(name: str) -> None:
    assert told(user={"username": name})["message"] == f"{name} deleted pods prod/db: 200"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            'level=warning msg="access denied" arn="a\\nb" error="no" username=eve',
            "access denied: a\\nb as eve: no",
        ),
        (
            '{"level":"info","msg":"access\\ngranted","arn":"a\u2028b","username":"eve"}',
            "access\\ngranted: a\\u2028b as eve",
        ),
    ],
)
def test_a_line_break_takes_nothing_out_of_an_authenticators_sentence(line: str, sentence: str) -> None:
    assert only("authenticator-1", line)["message"] == sentence


def test_a_line_break_takes_no_pairs_out_of_klogs_sentence() -> None:
    source = only("kube-scheduler-1", 'I1120 09:12:31.123456       1 a.go:7] "Bound\\nit" pod="a/b"')
    assert source["message"] == "Bound\\nit: pod=a/b"


def test_a_cut_off_value_has_no_quote() -> None:
    source = only("authenticator-1", 'level=info msg="access granted" arn="arn:aws:iam::123456789012:ro')
    assert source["actor"]["iam_arn"] == source["authenticator"]["arn"] == "arn:aws:iam::123456789012:ro"


@pytest.mark.parametrize(
    ("addresses", "address"),
    [
        (["fe80::1%eth0"], "fe80::1"),
        (["10.0.0.9:443"], "10.0.0.9"),
        (["[::1]:443"], "::1"),
        (["[::1]"], "::1"),
        ([" 10.0.0.9\t"], "10.0.0.9"),
        (["::ffff:10.0.0.9"], "10.0.0.9"),
        (["203.0.113.7", ""], None),
        (["10.0.0.9:443:1"], None),
    ],
)
def test_an_address_is_read_whatever_stands_around_it(addresses: list[str], address: str | None) -> None:
    assert told(sourceIPs=addresses).get("actor", {}).get("source_ip") == address


def documents(record: str) -> list[dict[str, Any]]:
    return [dict(document.source) for document in documents_of(batch([record], STREAMS["audit"]))]


EVENTS = [{**AUDIT_EVENT, "auditID": str(number), "requestURI": 'x}]{["\\'} for number in range(3)]
LIST = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": EVENTS}


@pytest.mark.parametrize("begin", ["", "\ufeff"])
def test_of_an_event_list_that_is_cut_off_every_event_is_read(begin: str) -> None:
    record = begin + json.dumps(LIST)
    for end in range(record.index('"1"') + 4, record.rindex('"2"')):
        found = documents(record[:end])
        assert [source["auditID"] for source in found[:2]] == ["0", "1"]
        assert "truncated" not in found[0]
        assert len(found) <= 3
    cut = documents(record[: record.rindex('"sourceIPs"')])
    assert [(source["auditID"], source.get("truncated")) for source in cut] == [("0", None), ("1", None), ("2", True)]
    assert cut[2]["message"].startswith("kubernetes-admin ")


@pytest.mark.parametrize("order", [sorted, lambda names: sorted(names, reverse=True)])
def test_the_order_of_an_event_lists_members_hides_no_event(order: Any) -> None:
    record = json.dumps({name: LIST[name] for name in order(LIST)})
    assert [source["auditID"] for source in documents(record)] == ["0", "1", "2"]
    assert [source["auditID"] for source in documents(record[:-10])][:2] == ["0", "1"]


def test_masked_numbers_lose_no_event_of_a_list() -> None:
    found = documents(json.dumps(LIST).replace('"code": 200', '"code": ***', 2))
    assert [source.get("outcome") for source in found] == [None, None, "allowed"]
    assert [source["verb"] for source in found] == ["delete"] * 3


def test_an_event_with_items_is_no_list() -> None:
    record = json.dumps({"kind": "Event", "items": EVENTS, **AUDIT_EVENT})
    assert split_event_list(record) is None
    assert len(documents(record)) == 1
    assert len(documents(json.dumps({"items": "EventList", **AUDIT_EVENT}))) == 1


def test_what_is_no_event_is_no_document_and_a_list_has_an_end() -> None:
    assert split_event_list(f'{{"kind":"EventList","items":[{",".join(["{}"] * 250_000)}]}}') is None
    record = json.dumps({**LIST, "items": [{}, 1, None, *EVENTS, *[{"a": 1}] * 250_000]})
    found = documents(record)
    assert len(found) == MOST_EVENTS
    assert [source["auditID"] for source in found[:3]] == ["0", "1", "2"]
    assert found[-1]["parse_error"] == "a JSON object without audit fields"
    assert found[-1]["@message"].count('"a"') == 250_000 + 3 - MOST_EVENTS + 1


@pytest.mark.parametrize(
    "record", ['{"kind":"Event"}', '{"kind":"Event","apiVersion":"audit.k8s.io/v1","metadata":{}}']
)
def test_a_kind_alone_is_no_event(record: str) -> None:
    assert "parse_error" in only("audit", record)


def test_a_text_that_cuts_a_record_off_stays_as_far_as_it_goes() -> None:
    record = json.dumps(AUDIT_EVENT, separators=(",", ":"))
    cut = only("audit", record[: record.index("/my-app")] + "/my-app?x=[Truncated...]")
    assert (cut["requestURI"], cut["truncated"]) == ("/api/v1/namespaces/default/pods/my-app?x=", True)
    cut = only("audit", record[: record.index("kubectl") + 7])
    assert cut["userAgent"] == "kubectl"
    assert cut["objectRef"] == {"resource": "pods", "namespace": "default", "name": "my-app"}
    assert cut["message"] == "kubernetes-admin deleted pods default/my-app"


@pytest.mark.parametrize(
    ("uri", "ref"),
    [
        ("/api/v1/nodes/n1/proxy/run?x", {"resource": "nodes", "name": "n1", "subresource": "proxy"}),
        ("/apis/apps/v1/namespaces/a/deployments", {"apiGroup": "apps", "resource": "deployments", "namespace": "a"}),
        ("/api/v1/namespaces/a", {"resource": "namespaces", "namespace": "a", "name": "a"}),
        (
            "/api/v1/namespaces/a/finalize",
            {"resource": "namespaces", "namespace": "a", "name": "a", "subresource": "finalize"},
        ),
        ("/healthz", None),
        ("/api", None),
        ("/apis/apps", None),
        ("", None),
    ],
)
def test_an_object_that_was_cut_off_stands_in_the_path(uri: str, ref: dict[str, str] | None) -> None:
    record = json.dumps({"kind": "Event", "requestURI": uri, "verb": "delete", "userAgent": "x" * 99})
    assert only("audit", record[:-5]).get("objectRef") == ref


POD_SPEC: dict[str, Any] = {"containers": [{"image": "i", "securityContext": {"privileged": True}}]}
PRIVILEGED = {"images": ["i"], "privileged": True}


def workload(resource: str, request: Any, response: Any = None, *, group: str = "", **changes: Any) -> Any:
    ref = {"resource": resource, "name": "x", **({"apiGroup": group} if group else {})}
    bodies = {"requestObject": request, "responseObject": response}
    event = {"verb": "create", "objectRef": ref, **{name: body for name, body in bodies.items() if body is not None}}
    return audit(**event | changes).get("workload")


def container(**context: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"securityContext": context}]}}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (workload("podtemplates", {"template": {"spec": POD_SPEC}}), {"kind": "PodTemplate", **PRIVILEGED}),
        (
            workload("persistentvolumes", {"spec": {"hostPath": {"path": "//etc"}}}),
            {"kind": "PersistentVolume", "host_paths": ["/etc"]},
        ),
        (
            workload("persistentvolumes", [{"op": "add", "path": "/spec/local/path", "value": "/"}], verb="patch"),
            {"kind": "PersistentVolume", "host_paths": ["/"]},
        ),
        (
            workload("rollouts", {"kind": "Rollout", "spec": {"template": {"spec": POD_SPEC}}}, group="argoproj.io"),
            {"kind": "Rollout", **PRIVILEGED},
        ),
        (
            workload("rollouts", {"spec": {"template": {"spec": {"hostPID": True}}}}, group="argoproj.io"),
            {"kind": "rollouts", "host_pid": True},
        ),
        (
            workload(
                "workflows",
                {"kind": "Workflow", "spec": {"templates": [{"container": POD_SPEC["containers"][0]}]}},
                group="argoproj.io",
            ),
            {"kind": "Workflow", **PRIVILEGED},
        ),
        (
            workload(
                "jobs", {"kind": "Job", "spec": {"tasks": [{"template": {"spec": POD_SPEC}}]}}, group="batch.x.sh"
            ),
            {"kind": "Job", **PRIVILEGED},
        ),
        (
            workload(
                "jobsets",
                [{"op": "add", "path": "/spec/jobs/0/template/spec/template/spec", "value": POD_SPEC}],
                {"kind": "JobSet", "spec": {}},
                group="jobset.x-k8s.io",
                verb="patch",
            ),
            {"kind": "JobSet", **PRIVILEGED},
        ),
        (workload("configmaps", {"kind": "ConfigMap", "spec": POD_SPEC}), None),
        (workload("pods", container(windowsOptions={"hostProcess": True})), {"kind": "Pod", "host_process": True}),
        (
            workload("pods", {"spec": {"securityContext": {"windowsOptions": {"hostProcess": True}}}}),
            {"kind": "Pod", "host_process": True},
        ),
        (
            workload("pods", container(capabilities={"add": ["sys_admin", "CAP_SYS_ADMIN", "all", "Sys_Ptrace", 7]})),
            {"kind": "Pod", "capabilities_added": ["SYS_ADMIN", "ALL", "SYS_PTRACE"]},
        ),
        (
            workload(
                "pods",
                {"kind": "EphemeralContainers", "ephemeralContainers": POD_SPEC["containers"]},
                verb="update",
                objectRef={"resource": "pods", "name": "x", "subresource": "ephemeralcontainers"},
            ),
            {"kind": "Pod", **PRIVILEGED},
        ),
    ],
)
def test_what_runs_is_found_wherever_it_is_written(block: Any, expected: Any) -> None:
    assert block == expected


AFTER = {"kind": "Deployment", "spec": {"template": {"spec": POD_SPEC}}}
INTO = "/spec/template/spec/containers"


@pytest.mark.parametrize(
    ("operations", "response", "expected"),
    [
        ([{"op": "add", "path": "/metadata/labels/a", "value": "b"}], AFTER, None),
        ([{"op": "add", "path": "/spec/template/metadata/labels/a", "value": "b"}], AFTER, None),
        ([{"op": "replace", "path": "/spec/replicas", "value": 3}], AFTER, None),
        ([{"op": "replace", "path": f"{INTO}/0/image", "value": "j"}], AFTER, {"images": ["j"]}),
        (
            [{"op": "replace", "path": f"{INTO}/-1/securityContext/privileged", "value": True}],
            None,
            {"privileged": True},
        ),
        ([{"op": "replace", "path": "/spec/template", "value": {"spec": POD_SPEC}}], None, PRIVILEGED),
        ([{"op": "replace", "path": "", "value": AFTER}], None, PRIVILEGED),
        ([{"op": "copy", "from": f"{INTO}/0", "path": f"{INTO}/-"}], AFTER, PRIVILEGED),
        # Put elsewhere first.
        (
            [
                {"op": "add", "path": "/metadata/x", "value": {"a": POD_SPEC["containers"]}},
                {"op": "move", "from": "/metadata/x/a/0", "path": f"{INTO}/-"},
            ],
            None,
            PRIVILEGED,
        ),
        ([{"op": "remove", "path": f"{INTO}/0"}], AFTER, None),
    ],
)
def test_a_json_patch_says_what_it_asks_for(operations: Any, response: Any, expected: Any) -> None:
    block = workload("deployments", operations, response, verb="patch")
    assert block == (expected and {"kind": "Deployment", **expected})


def test_copies_of_copies_do_not_grow_without_end() -> None:
    names = "abcdefghij"
    put = [{"op": "add", "path": f"/rules/{name}", "value": {"x": ["*"] * 50}} for name in names]
    copies = [{"op": "copy", "from": f"/rules/{one}", "path": f"/rules/{two}"} for one in names for two in names] * 50
    event = {"verb": "patch", "objectRef": {**BINDING, "resource": "clusterroles"}, "requestObject": put + copies}
    assert audit(**event)["rbac"] == {"role_kind": "ClusterRole"}


ADMIN = {"kind": "ClusterRole", "name": "cluster-admin"}
BOUND = {"kind": "ClusterRoleBinding", "roleRef": ADMIN}
EVE = {"kind": "User", "name": "eve"}


@pytest.mark.parametrize(
    ("request_body", "response", "expected"),
    [
        (
            {"roleRef": {"kind": "ClusterRole"}, "subjects": [EVE]},
            BOUND,
            {"role_kind": "ClusterRole", "role_name": "cluster-admin", "subjects": ["User:eve"], "wildcard": True},
        ),
        ({"subjects": [{"$patch": "replace"}, EVE]}, None, {"subjects": ["User:eve"]}),
        ({"subjects": [{**EVE, "namespace": "x"}]}, None, {"subjects": ["User:eve"]}),
        ({"subjects": [{"kind": "User"}, EVE]}, None, {"subjects": ["User:eve"]}),
        ([{"op": "replace", "path": "/subjects/0/name", "value": "eve"}], None, {"subjects": ["eve"]}),
        (
            [{"op": "add", "path": "/x", "value": [EVE]}, {"op": "copy", "from": "/x", "path": "/subjects"}],
            None,
            {"subjects": ["User:eve"]},
        ),
    ],
)
def test_whom_a_binding_names(request_body: Any, response: Any, expected: Any) -> None:
    event = {"verb": "patch", "objectRef": BINDING, "requestObject": request_body}
    assert audit(**event, **({} if response is None else {"responseObject": response}))["rbac"] == expected


def test_every_subresource_is_everything() -> None:
    rule = {"verbs": ["get"], "apiGroups": [""], "resources": ["*/*"]}
    ref = {**BINDING, "resource": "clusterroles"}
    assert audit(verb="create", objectRef=ref, requestObject={"rules": [rule]})["rbac"]["wildcard"] is True
