"""What a security question must find: the fields of audit events that a client tries to write in its own favour."""

import json
import time
from typing import Any

import pytest

from forwarder.formats.audit.reader import parse_audit
from forwarder.json_values import quote_masked, read_leading_members
from tests.test_documents import AUDIT_EVENT, audit, only

BODIES = frozenset({"requestObject", "responseObject"})
ADMIN: dict[str, Any] = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
EVE, BOB = {"kind": "User", "name": "eve"}, {"kind": "User", "name": "bob"}


def rbac(request: Any, response: Any = None, resource: str = "clusterrolebindings", **changes: Any) -> Any:
    ref = {"resource": resource, "name": "all"}
    bodies = {"requestObject": request, "responseObject": response}
    event: dict[str, Any] = {
        "verb": "patch",
        "objectRef": ref,
        **{name: body for name, body in bodies.items() if body is not None},
    }
    return audit(**event, **changes).get("rbac")


BOUND: dict[str, Any] = {"kind": "ClusterRoleBinding", "roleRef": ADMIN, "subjects": [BOB, EVE]}
GRANT = {"role_kind": "ClusterRole", "role_name": "cluster-admin", "wildcard": True}
REFUSED = {"kind": "Status", "metadata": {}, "status": "Failure", "code": 403}


@pytest.mark.parametrize(
    ("request_body", "response", "expected"),
    [
        ({"subjects": [BOB, EVE]}, BOUND, {**GRANT, "subjects": ["User:bob", "User:eve"]}),
        ([{"op": "add", "path": "/subjects/-", "value": EVE}], BOUND, {**GRANT, "subjects": ["User:eve"]}),
        ([{"op": "replace", "path": "/subjects", "value": [EVE]}], BOUND, {**GRANT, "subjects": ["User:eve"]}),
        (
            [{"op": "replace", "path": "/subjects/1/name", "value": "eve"}],
            BOUND,
            {**GRANT, "subjects": ["User:bob", "User:eve"]},
        ),
        (
            [{"op": "copy", "from": "/subjects/0", "path": "/subjects/-"}],
            BOUND,
            {**GRANT, "subjects": ["User:bob", "User:eve"]},
        ),
        ([{"op": "remove", "path": "/subjects/0"}], BOUND, GRANT),
        ({"subjects": None}, BOUND, GRANT),
        # What grants nothing says nothing.
        ({"metadata": {"labels": {"a": "b"}}}, BOUND, None),
        ([{"op": "add", "path": "/metadata/labels/a", "value": "b"}], BOUND, None),
        ([{"op": "test", "path": "/subjects/0", "value": EVE}], BOUND, None),
        # Without an answer: what was asked can be found all the same.
        ({"subjects": [EVE]}, None, {"subjects": ["User:eve"]}),
        ([{"op": "add", "path": "/subjects/-", "value": EVE}], REFUSED, {"subjects": ["User:eve"]}),
        ([{"op": "add", "path": "/subjects/-1", "value": EVE}], BOUND, {**GRANT, "subjects": ["User:eve"]}),
        ([{"op": "add", "path": "/subjects/+0", "value": EVE}], REFUSED, {"subjects": ["User:eve"]}),
        (BOUND, None, {**GRANT, "subjects": ["User:bob", "User:eve"]}),
        # Another role.
        (
            {"subjects": [EVE]},
            {**BOUND, "roleRef": {**ADMIN, "name": "view"}},
            {"role_kind": "ClusterRole", "role_name": "view", "subjects": ["User:eve"]},
        ),
        (["x", {"op": 1, "path": 2}, {"op": "add"}], BOUND, None),
    ],
)
def test_who_is_bound_to_which_role(request_body: Any, response: Any, expected: Any) -> None:
    assert rbac(request_body, response) == expected


WIDE = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
NARROW = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}


@pytest.mark.parametrize(
    ("request_body", "response", "is_wide"),
    [
        ({"rules": [NARROW, WIDE]}, None, True),
        ([{"op": "add", "path": "/rules/-", "value": WIDE}], None, True),
        ([{"op": "add", "path": "/rules/-1", "value": WIDE}], None, True),
        ([{"op": "add", "path": "/rules/0/verbs/-", "value": "*"}], None, True),
        ([{"op": "replace", "path": "/rules/0/verbs/0", "value": "*"}], REFUSED, True),
        ([{"op": "copy", "from": "/metadata/annotations/x", "path": "/rules/0/verbs/0"}], {"rules": [WIDE]}, True),
        ([{"op": "replace", "path": "", "value": {"rules": [WIDE]}}], None, True),
        ([{"op": "add", "path": "/rules/-", "value": NARROW}], {"rules": [WIDE, NARROW]}, False),
        ([{"op": "add", "path": "/metadata/labels/a", "value": "b"}], {"rules": [WIDE]}, False),
        ({"metadata": {"labels": {"a": "*"}}}, {"rules": [WIDE]}, False),
        ({"rules": [{**NARROW, "verbs": ["escalate", "bind", "impersonate"]}]}, None, False),
        ({"rules": [{"verbs": ["get"], "nonResourceURLs": ["/*"]}]}, None, True),
        ({"rules": [{"verbs": ["get"], "nonResourceURLs": ["/logs/*"]}]}, None, False),
        ({"aggregationRule": {"clusterRoleSelectors": [{}]}}, None, True),
        (
            {
                "aggregationRule": {
                    "clusterRoleSelectors": [{"matchLabels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}]
                }
            },
            None,
            True,
        ),
        (
            {
                "aggregationRule": {
                    "clusterRoleSelectors": [{"matchExpressions": [{"key": "x", "operator": "DoesNotExist"}]}]
                }
            },
            None,
            True,
        ),
        (
            {
                "aggregationRule": {
                    "clusterRoleSelectors": [{"matchLabels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}]
                }
            },
            None,
            False,
        ),
    ],
)
def test_a_role_with_every_right(request_body: Any, response: Any, is_wide: bool) -> None:  # noqa: FBT001 - a parameter
    block = rbac(request_body, response, "clusterroles")
    assert block == {"role_kind": "ClusterRole", "role_name": "all"} | ({"wildcard": True} if is_wide else {})


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/" * 1025, "/"),
        ("/./" * 500, "/"),
        ("//etc/../", "/"),
        ("//", "/"),
        ("/var//run/./docker.sock", "/var/run/docker.sock"),
        ("/var/log/", "/var/log"),
        ("/a\0/../b", "/b"),
        ("", ""),
    ],
)
def test_host_paths_are_normal(path: str, normal: str) -> None:
    spec = {"volumes": [{"hostPath": {"path": path}}], "hostPID": True}
    block = audit(verb="create", requestObject={"spec": spec})["workload"]
    assert block.get("host_paths") == [normal]


def test_a_json_patch_that_is_refused_says_what_it_asked_for() -> None:
    patch = [{"op": "add", "path": "/spec/template/spec/containers/0/securityContext", "value": {"privileged": True}}]
    event = {"verb": "patch", "objectRef": {"resource": "deployments", "name": "x"}, "requestObject": patch}
    assert audit(**event, responseObject=REFUSED)["workload"] == {"kind": "Deployment", "privileged": True}
    assert audit(**event)["workload"] == {"kind": "Deployment", "privileged": True}


@pytest.mark.parametrize(
    ("addresses", "address"),
    [
        (["203.0.113.7", "10.0.0.1", "198.51.100.9"], "198.51.100.9"),
        (["2001:db8::1"], "2001:db8::1"),
        ("192.0.2.1", "192.0.2.1"),
        (["192.0.2.1", "99.999.999.999"], None),
        (["192.0.2.1", {"a": 1}], None),
        (["192.0.2.1", "***"], None),
        ([], None),
        ({"a": 1}, None),
        (7, None),
    ],
)
def test_the_source_is_the_address_that_no_client_writes(addresses: Any, address: str | None) -> None:
    assert audit(sourceIPs=addresses)["actor"].get("source_ip") == address


POD = {"resource": "pods", "namespace": "shop", "name": "cart"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"verb": "get", "objectRef": {**POD, "subresource": "exec"}}, "exec'd into pod shop/cart: 200"),
        ({"verb": "create", "objectRef": {**POD, "subresource": "exec"}}, "exec'd into pod shop/cart: 200"),
        ({"verb": "get", "objectRef": {**POD, "subresource": "attach"}}, "attached to pod shop/cart: 200"),
        ({"verb": "get", "objectRef": {**POD, "subresource": "portforward"}}, "forwarded ports of pod shop/cart: 200"),
        ({"verb": "get", "objectRef": {**POD, "subresource": "log"}}, "read the log of pod shop/cart: 200"),
        (
            {"verb": "get", "objectRef": {**POD, "subresource": "proxy"}},
            "called get through the proxy of pod shop/cart: 200",
        ),
        (
            {"verb": "delete", "objectRef": {"resource": "nodes", "name": "n", "subresource": "proxy"}},
            "called delete through the proxy of node n: 200",
        ),
        ({"verb": "get", "objectRef": {**POD, "subresource": "status"}}, "read pods/status shop/cart: 200"),
        ({"verb": "create", "objectRef": {**POD, "subresource": "eviction"}}, "evicted pod shop/cart: 200"),
        (
            {"verb": "create", "objectRef": {**POD, "subresource": "eviction"}, "responseStatus": {"code": 429}},
            "failed to evict pod shop/cart: 429",
        ),
        (
            {"verb": "get", "objectRef": {**POD, "subresource": "exec"}, "responseStatus": {"code": 403}},
            "may not exec into pod shop/cart: 403",
        ),
        (
            {"stage": "RequestReceived", "responseStatus": ..., "objectRef": POD},
            "asked to delete pods shop/cart (RequestReceived)",
        ),
        ({"stage": "Panic", "responseStatus": ..., "objectRef": POD}, "failed to delete pods shop/cart (Panic)"),
        (
            {"verb": "watch", "stage": "ResponseStarted", "objectRef": {"resource": "pods", "namespace": "shop"}},
            "began to watch pods in namespace shop: 200 (ResponseStarted)",
        ),
        (
            {"verb": "deletecollection", "objectRef": {"resource": "pods", "namespace": "shop"}},
            "deleted all pods in namespace shop: 200",
        ),
        ({"verb": "list", "objectRef": {"resource": "nodes"}}, "listed nodes: 200"),
        ({"verb": ..., "objectRef": POD}, "called pods shop/cart: 200"),
    ],
)
def test_sentences_say_what_was_done(changes: dict[str, Any], sentence: str) -> None:
    assert audit(**changes)["message"] == f"kubernetes-admin {sentence}"


def test_an_object_has_the_name_that_the_server_gave_it() -> None:
    event = {"verb": "create", "objectRef": {"resource": "pods", "namespace": "shop"}, "responseStatus": {"code": 201}}
    named = audit(**event, responseObject={"kind": "Pod", "metadata": {"name": "cart-x7k2p"}})
    assert named["generated_name"] == "cart-x7k2p"
    assert named["objectRef"] == event["objectRef"]
    assert named["message"] == "kubernetes-admin created pods shop/cart-x7k2p: 201"
    assert "generated_name" not in audit(**event, responseObject=REFUSED)
    assert "generated_name" not in audit(**event | {"verb": "list"}, responseObject={"metadata": {"name": "x"}})
    assert "generated_name" not in audit(generated_name="forged")


@pytest.mark.parametrize("sign", ["\n", "\r", "\x1b[2K", "\x85", "\u2028", "\u202e", "\0"])
def test_a_sentence_is_one_line_whatever_a_client_is_called(sign: str) -> None:
    forged = audit(impersonatedUser={"username": f"x{sign}ada deleted pods a/b: 200"})["message"]
    assert forged.isprintable()
    assert forged.endswith("deleted pods default/my-app: 200")
    assert forged.startswith('kubernetes-admin as "x\\')


def test_no_name_pushes_what_was_done_off_the_line() -> None:
    users = {"user": {"username": "u" * 2000}, "impersonatedUser": {"username": "語" * 2000}}
    message = audit(**users, objectRef={**POD, "name": "n" * 2000}, responseStatus={"code": 200, "reason": "r" * 999})[
        "message"
    ]
    assert len(message) <= 1000
    for part in ("uuu", " as 語", " deleted pods shop/nnn", ": 200 rrr"):
        assert part in message


def cut_body(text: str) -> Any:
    source = only("audit", '{"verb":"create","objectRef":{"resource":"pods"},"requestObject":' + text)
    assert source["truncated"] is True
    return source.get("requestObject")


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ('{"a":1,"b":{"c":[1,{"d":"x"},{"e":tr', {"a": 1, "b": {"c": [1, {"d": "x"}]}}),
        ('{"a":1,"b":{"c":"x\\', {"a": 1}),
        ('{"a":1,"b":{"c":"x\\u00', {"a": 1}),
        ('{"a":1,"b":{"c":"x","d":12', {"a": 1, "b": {"c": "x"}}),
        ('{"a":1,"b":{"c":"x","d', {"a": 1, "b": {"c": "x"}}),
        ('{"a":1,"b":{"c":"x","d":', {"a": 1, "b": {"c": "x"}}),
        ('{"a":1,"b":{"c":"x"[Truncated...]', {"a": 1, "b": {"c": "x"}}),
        ('{"a":1,,"b":2', {"a": 1}),
        ('{"a":[1 2', {"a": ...}),
        ('{"a":[1,]', {"a": [1]}),
        ("[1,2,[3,", [1, 2, [3]]),
        ('{"a":{"b":{', None),
        ('"text', None),
    ],
)
def test_of_a_cut_body_what_is_complete_stays(text: str, body: Any) -> None:
    expected = None if body == {"a": ...} else body
    assert cut_body(text) == expected


def test_a_privileged_container_is_found_in_a_cut_record() -> None:
    pod = {"kind": "Pod", "spec": {"containers": [{"securityContext": {"privileged": True}, "image": "x" * 99}]}}
    record = json.dumps({**AUDIT_EVENT, "verb": "create", "requestObject": pod}, separators=(",", ":"))
    start = record.index("requestObject")
    found = [
        only("audit", record[:end]).get("workload", {}).get("privileged")
        for end in range(record.index("true", start) + 5, len(record))
    ]
    assert set(found) == {True}


def test_what_is_not_a_body_is_whole_or_absent() -> None:
    assert read_leading_members('{"a":{"b":1},"user":{"x":1,"y', BODIES) == {"a": {"b": 1}}
    assert read_leading_members('{"responseObject":{"x":1,"y', BODIES) == {"responseObject": {"x": 1}}


@pytest.mark.timing
@pytest.mark.parametrize(
    "piece", ["[", '{"a":', "1,", '"a",', '{"a":1},', "[1],", "1" * 9, "* ", "*", "\\*", ' {"a" : ', '"*\\']
)
def test_a_megabyte_of_a_cut_body_takes_under_a_second(piece: str) -> None:
    for before in ("", '{"a":', "["):
        text = '{"verb":"get","requestObject":' + before + piece * (1_000_000 // len(piece))
        started = time.process_time()
        read_leading_members(quote_masked(text), BODIES)
        assert time.process_time() - started < 1


def test_new_members_of_an_event_are_stored() -> None:
    constraint = {"impersonationConstraint": "impersonate:user-info"}
    new = {"a": [1, {"b": None}]}
    source = audit(authenticationMetadata=constraint, newMember=new, other=7)
    assert source["authenticationMetadata"] == constraint
    assert (source["newMember"], source["other"]) == (new, 7)
    assert source["message"] == audit()["message"]


@pytest.mark.parametrize(
    "name",
    [
        *("message", "severity", "actor", "actor.kind", "@timestamp", "@id", "outcome", "rbac.wildcard", "log_type"),
        *("_id", "_source", "", ".", "a..b", " ", "x\n", "n" * 257, "verb.x", "user.username", "redacted", "truncated"),
        *("klog", "workload", "authenticator.arn", "cluster", "region", "parse_error", "record_bytes"),
    ],
)
def test_no_new_member_is_taken_for_one_of_ours(name: str) -> None:
    forged = audit(**{name: {"kind": "node"}})
    usual = audit()
    # @message and record_bytes tell of the record itself.
    assert {**forged, "@message": "", "record_bytes": 0} == {**usual, "@message": "", "record_bytes": 0}


def test_new_members_are_bounded_in_depth() -> None:
    record = json.dumps(AUDIT_EVENT)[:-1] + ',"new":' + '{"a":' * 5000 + "1" + "}" * 5001
    source = only("audit", record)
    assert source["verb"] == "delete"
    assert "nested deeper" in json.dumps(source["new"])


@pytest.mark.parametrize(
    ("plain", "masked", "lost"),
    [
        ('"code": 200', '"code": ***', ("responseStatus",)),
        ('"verb": "delete"', '"verb": ***', ("verb",)),
        ('"203.0.113.7", "10.0.0.1"', "***********, ********", ("sourceIPs",)),
        ('"kubernetes-admin"', "******************", ("user",)),
    ],
)
def test_a_masked_value_costs_its_member_only(plain: str, masked: str, lost: tuple[str, ...]) -> None:
    record = json.dumps(AUDIT_EVENT)
    assert plain in record
    source, usual = only("audit", record.replace(plain, masked)), audit()
    assert "truncated" not in source
    assert "parse_error" not in source
    for name in AUDIT_EVENT.keys() - {*lost}:
        assert source[name] == usual[name]


def test_masks_are_no_borders_of_texts() -> None:
    assert json.loads(quote_masked('{"a":***,"b":"***","c":[1**4, *],"d":"x\\**"}')) == {
        "a": "***",
        "b": "***",
        "c": ["1**4", "*"],
        "d": "x**",
    }
    assert quote_masked('{"a":"cut *** off') == '{"a":"cut *** off'
    assert quote_masked('{"a":"\\\\***"}') == '{"a":"\\\\***"}'


EKS_ROLE = "AWSWesleyClusterManagerLambda"
ADDON_MANAGER = f"{EKS_ROLE}-Add-AddonManagerRole-1CR"
TOKEN = {"authentication.kubernetes.io/credential-id": ["JTI=1"]}


def iam(username: str, *groups: str, role: str = "Admin", account: str = "111122223333") -> Any:
    extra = {"arn": [f"arn:aws:sts::{account}:assumed-role/{role}/session"]}
    uid = f"aws-iam-authenticator:{account}:AROAX"
    user = {"username": username, "uid": uid, "groups": [*groups, "system:authenticated"], "extra": extra}
    return audit(user=user)["actor"]


@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        (iam("kubernetes-admin", "system:masters"), "iam"),
        (iam("system:kube-controller-manager"), "iam"),
        (iam("system:anonymous"), "iam"),
        (iam("system:serviceaccount:kube-system:job-controller"), "iam"),
        (iam("system:node:evil"), "iam"),
        (iam("system:node:evil", "system:nodes", "system:masters"), "iam"),
        (iam("system:node:ip-10-0-0-1", "system:bootstrappers", "system:nodes"), "node"),
        (iam("system:node:fargate-ip-1", "system:bootstrappers", "system:nodes", "system:node-proxier"), "node"),
        (iam("eks:addon-manager", role=ADDON_MANAGER, account="444455556666"), "component"),
        (iam("eks:node-manager", role=f"{EKS_ROLE}-NodeManagerRole-1P4", account="444455556666"), "component"),
        # EKS has its roles in an account of AWS, not in the cluster's.
        (iam("eks:addon-manager", role=ADDON_MANAGER), "iam"),
        (iam("eks:addon-manager", "system:masters", role=ADDON_MANAGER, account="444455556666"), "iam"),
        (iam("eks:addon-manager", role=f"{EKS_ROLE}-Evil", account="444455556666"), "iam"),
        (iam("eks:x", role=ADDON_MANAGER, account="444455556666"), "iam"),
        (iam("eks:addon-manager"), "iam"),
        (audit(user={"username": "eks:x", "groups": ["dev", "system:authenticated"]})["actor"], "user"),
        (audit(user={"username": "eks:x", "groups": ["system:authenticated"], "extra": TOKEN})["actor"], "user"),
        (audit(user={"username": "system:x", "groups": ["system:authenticated"], "extra": TOKEN})["actor"], "user"),
        (audit(user={"username": "eks:k8s-metrics", "groups": ["system:authenticated"]})["actor"], "component"),
        (
            audit(user={"username": "eks:kms-storage-migrator", "groups": ["system:masters", "system:authenticated"]})[
                "actor"
            ],
            "component",
        ),
        (audit(user={"username": "system:kube-controller-manager"})["actor"], "component"),
        (audit(user={"username": "system:apiserver", "groups": ["system:masters"]})["actor"], "component"),
        (audit(user={"username": "eks:cloud-controller-manager"})["actor"], "component"),
        (audit(user={"username": "x", "uid": "heptio-authenticator-aws:111122223333:AROAX"})["actor"], "iam"),
    ],
)
def test_nobody_is_a_component_by_a_name_alone(actor: dict[str, Any], kind: str) -> None:
    assert actor["kind"] == kind
    assert ("namespace" in actor) is (kind == "service_account")


def test_uids_of_old_clusters_have_account_and_principal() -> None:
    actor = audit(user={"username": "x", "uid": "heptio-authenticator-aws:111122223333:AROAX"})["actor"]
    assert (actor["iam_account"], actor["iam_principal"]) == ("111122223333", "AROAX")


def test_a_byte_order_mark_hides_nothing() -> None:
    record = (
        '{"kind":"Event","verb":"delete","auditID":"a","objectRef":{"resource":"pods"},"responseStatus":{"code":200}}'
    )
    assert parse_audit(f"\ufeff{record}").fields == parse_audit(record).fields
