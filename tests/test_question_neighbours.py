"""What a question finds and what stands next to it: small composed events, read by the function's core."""

import json
from typing import Any

import pytest
from opensearchpy import OpenSearch

from eks_logs.questions import (
    Question,
    which_calls_failed,
    which_calls_of_client,
    which_iam_identity,
    which_requests_were_denied,
    who_changed_config_map,
    who_changed_daemonsets,
    who_deleted_pod,
    who_entered_pod,
    who_granted_everything,
    who_ran_privileged,
    who_read_secrets,
)
from forwarder.pipeline import documents_of
from tests.payloads import STREAMS, batch

INDEX = "eks-control-plane-logs-neighbours"
ADA: dict[str, Any] = {
    "username": "arn:aws:sts::111122223333:assumed-role/Admin/ada",
    "uid": "aws-iam-authenticator:111122223333:AROAADA",
    "groups": ["system:authenticated"],
    "extra": {"arn": ["arn:aws:sts::111122223333:assumed-role/Admin/ada"]},
}
ROBOT = {"username": "system:serviceaccount:shop:robot"}
CONTROLLER = {"username": "system:serviceaccount:kube-system:namespace-controller"}
KARPENTER = {"username": "system:serviceaccount:kube-system:karpenter"}
API_SERVER = {"username": "system:apiserver"}
KUBELET = {"username": "system:node:n1", "groups": ["system:nodes"]}
POLICY = "arn:aws:eks::aws:cluster-access-policy/Amazon{}Policy"
POD = {"resource": "pods", "namespace": "shop", "name": "cart"}


def event(verb: str, ref: dict[str, str] | None, code: int = 200, **changes: Any) -> str:
    stage = changes.pop("stage", "ResponseComplete")
    return json.dumps(
        {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "auditID": "a",
            "stage": stage,
            "requestURI": "/",
            "verb": verb,
            "user": ADA,
            "sourceIPs": ["203.0.113.7"],
            "userAgent": "kubectl/v1.33.1",
            **({"objectRef": ref} if ref else {}),
            "responseStatus": {"code": code},
            **changes,
        }
    )


def part_of(subresource: str, **changes: str) -> dict[str, str]:
    return {**POD, "subresource": subresource, **changes}


def allowed_by(policy: str) -> dict[str, str]:
    arn = POLICY.format(policy)
    reason = f'EKS Access Policy: allowed by ClusterRoleBinding "r+{arn}" of ClusterRole "{arn}" to User "AROAADA"'
    return {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": reason}


def forged_by(binding: str) -> dict[str, str]:
    return {"authorization.k8s.io/reason": f'RBAC: allowed by ClusterRoleBinding "{binding}" of ClusterRole "view"'}


def through_kubelet(path: str, **changes: Any) -> str:
    node = {"resource": "nodes", "name": "n1", "subresource": "proxy"}
    return event("create", node, requestURI=f"/api/v1/nodes/n1/proxy/{path}", stage="ResponseStarted", **changes)


def cut_off(record: str, member: str) -> str:
    """The record as it is where a client made it too long before a member."""
    return f"{record[: record.index(member)]}{'x' * 99}[Truncated...]"


DRY = {"kind": "DeleteOptions", "apiVersion": "v1", "dryRun": ["All"]}
TRIED = "/api/v1/namespaces/shop/pods/cart?dryRun=All"
ALWAYS: dict[str, Any] = {"level": "RequestResponse", "requestURI": TRIED}


def ran(**context: Any) -> str:
    return event("create", POD, 201, requestObject={"spec": {"containers": [{"securityContext": context}]}})


SECRETS = {"resource": "secrets", "namespace": "shop"}
CONFIG_MAPS = {"resource": "configmaps", "namespace": "kube-system"}
BINDING = {"resource": "clusterrolebindings", "name": "ops"}
TO_EVERYTHING = {
    "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"kind": "User", "name": "x"}],
}

CASES: list[tuple[str, Question, list[str], list[str]]] = [
    (
        "deleted",
        who_deleted_pod(),
        [
            event("delete", POD),
            event("deletecollection", {"resource": "pods", "namespace": "shop"}),
            event("create", part_of("eviction"), 201),
            event("create", part_of("eviction"), 201, user=KARPENTER),
            event("delete", POD, user=ROBOT),
            # Its query says so, its body does not, or might not.
            event("delete", POD, requestObject={"kind": "DeleteOptions"}, **ALWAYS),
            event("delete", POD, requestURI=TRIED, level="Metadata"),
            # So long that its end is missing.
            cut_off(event("delete", POD), '"responseStatus"'),
            cut_off(event("delete", POD, requestURI=TRIED.partition("?")[0]), 'kubectl"'.strip('"')),
        ],
        [
            event("delete", POD, requestObject=DRY),
            event("delete", POD, **ALWAYS),
            event("create", part_of("eviction"), 201, requestObject={"deleteOptions": DRY}),
            event("delete", POD, user=KUBELET),
            event("delete", POD, user=CONTROLLER),
            event("delete", POD, 404),
            event("create", part_of("eviction"), 429),
            event("create", part_of("binding"), 201),
            # HTTP's DELETE, sent to what the pod serves.
            event("delete", part_of("proxy"), stage="ResponseStarted"),
            event("delete", POD, stage="RequestReceived", responseStatus=None),
            event("delete", {"resource": "podtemplates", "namespace": "shop", "name": "cart"}),
        ],
    ),
    (
        "one pod deleted",
        who_deleted_pod("cart", "shop"),
        [
            event("delete", POD, user=CONTROLLER),
            event("deletecollection", {"resource": "pods", "namespace": "shop"}, user=CONTROLLER),
            event("create", part_of("eviction"), 201, user=KARPENTER),
        ],
        [
            event("delete", POD, user=KUBELET),
            event("delete", {**POD, "name": "cart-2"}),
            event("deletecollection", {"resource": "pods", "namespace": "shop-2"}),
            # By a field selector of another pod's name.
            event("deletecollection", {**POD, "name": "cart-2"}),
        ],
    ),
    (
        "ConfigMap changed",
        who_changed_config_map(),
        [
            *(event(verb, {**CONFIG_MAPS, "name": "aws-auth"}) for verb in ("create", "update", "patch", "delete")),
            event("deletecollection", CONFIG_MAPS),
        ],
        [
            event("patch", {**CONFIG_MAPS, "name": "aws-auth"}, requestURI="/?dryRun=All"),
            event("get", {**CONFIG_MAPS, "name": "aws-auth"}),
            event("patch", {**CONFIG_MAPS, "name": "coredns"}),
            event("deletecollection", {**CONFIG_MAPS, "namespace": "shop"}),
            event("create", CONFIG_MAPS),
        ],
    ),
    (
        "entered, each once",
        who_entered_pod(),
        [
            event("get", part_of("exec"), 101, stage="ResponseStarted"),
            event("create", part_of("attach"), 101, stage="ResponseStarted"),
            event("get", part_of("portforward"), 500),
            event("create", part_of("exec"), 101, stage="ResponseStarted", requestURI="/?dryRun=All"),
            event("create", part_of("exec"), 403),
            # Not authenticated: there is no end.
            event("create", part_of("exec"), 401, stage="ResponseStarted", user={}),
            event("get", part_of("exec"), 500, stage="Panic"),
            through_kubelet("run/shop/cart/web?cmd=id"),
            through_kubelet("exec/shop/cart/web?command=id"),
        ],
        [
            event("get", part_of("exec"), 101),
            event("get", part_of("portforward"), 500, stage="ResponseStarted"),
            event("create", part_of("exec"), 403, stage="ResponseStarted"),
            event("get", part_of("log"), stage="ResponseStarted"),
            event("create", part_of("exec"), stage="RequestReceived", responseStatus=None),
            through_kubelet("metrics/cadvisor"),
        ],
    ),
    (
        "DaemonSet changed",
        who_changed_daemonsets(),
        [event("patch", {"resource": "daemonsets", "namespace": "kube-system", "name": "a"})],
        [
            event(
                "patch", {"resource": "daemonsets", "namespace": "kube-system", "name": "a"}, requestURI="/?dryRun=All"
            ),
            event("patch", {"resource": "daemonsets", "namespace": "kube-system", "name": "a"}, 409),
        ],
    ),
    (
        "ran with power over the node",
        who_ran_privileged(),
        [
            *(
                ran(capabilities={"add": [name]})
                for name in ("SYS_ADMIN", "cap_sys_ptrace", "SYS_MODULE", "NET_ADMIN", "DAC_READ_SEARCH", "all", "BPF")
            ),
            ran(windowsOptions={"hostProcess": True}),
            ran(privileged=True),
            # What it would have run is missing.
            cut_off(ran(privileged=True), '"spec"'),
            event(
                "create",
                {"resource": "persistentvolumes", "name": "v"},
                requestObject={"spec": {"hostPath": {"path": "/"}}},
            ),
            event(
                "create",
                {"resource": "rollouts", "apiGroup": "argoproj.io", "name": "x"},
                requestObject={"spec": {"template": {"spec": {"hostPID": True}}}},
            ),
        ],
        [
            cut_off(event("get", POD, responseObject={"spec": 1}), '"spec"'),
            ran(capabilities={"add": ["NET_BIND_SERVICE", "CHOWN"]}),
            ran(capabilities={"drop": ["ALL"]}),
            ran(windowsOptions={"runAsUserName": "x"}),
            event(
                "create", {"resource": "persistentvolumes", "name": "v"}, requestObject={"spec": {"nfs": {"path": "/"}}}
            ),
        ],
    ),
    (
        "granted",
        who_granted_everything(),
        [
            event("create", BINDING, 201, requestObject=TO_EVERYTHING),
            event("create", BINDING, 201, requestObject=TO_EVERYTHING, user=ROBOT),
            cut_off(event("create", BINDING, 201, requestObject=TO_EVERYTHING), '"roleRef"'),
            # `kubectl edit`: the subjects alone, and which role it is in the response.
            event(
                "patch",
                BINDING,
                requestObject={"subjects": TO_EVERYTHING["subjects"]},
                responseObject=TO_EVERYTHING,
            ),
        ],
        [
            event("create", BINDING, 201, requestObject=TO_EVERYTHING, requestURI="/?dryRun=All"),
            event("create", BINDING, 201, requestObject=TO_EVERYTHING, user=API_SERVER),
            event("create", BINDING, 403, requestObject=TO_EVERYTHING),
            event("delete", BINDING, requestObject=TO_EVERYTHING),
            event("patch", BINDING, requestObject={"metadata": {"labels": {"a": "b"}}}, responseObject=TO_EVERYTHING),
        ],
    ),
    (
        "secrets read",
        who_read_secrets(),
        [
            event("get", {**SECRETS, "name": "db"}),
            cut_off(event("get", {**SECRETS, "name": "db"}), '"responseStatus"'),
            event("list", SECRETS, user=ROBOT),
            event("watch", SECRETS, stage="ResponseStarted"),
            event("patch", {**SECRETS, "name": "db"}),
            # What it would become is answered, and that is the Secret.
            event("patch", {**SECRETS, "name": "db"}, requestURI="/?dryRun=All"),
            event("deletecollection", SECRETS),
        ],
        [
            event("watch", SECRETS),
            event("list", SECRETS, user=CONTROLLER),
            event("get", {**SECRETS, "name": "db"}, user=KUBELET),
            event("get", {**SECRETS, "name": "db"}, 403),
            event("create", {**SECRETS, "name": "db"}, 201),
        ],
    ),
    (
        "denied",
        which_requests_were_denied(),
        [
            event("list", SECRETS, 403),
            event("watch", SECRETS, 403),
            event("list", SECRETS, 401, stage="ResponseStarted", user={}),
            event("list", SECRETS, 403, user={"username": "system:anonymous"}),
            event("list", SECRETS, 403, user=ROBOT),
        ],
        [
            event("watch", SECRETS, 403, stage="ResponseStarted"),
            event("create", POD, 403, user=CONTROLLER),
            event("list", SECRETS, 403, user=KUBELET),
            event("get", POD, 404),
        ],
    ),
    (
        "failed",
        which_calls_failed(),
        [event("get", None, 500, requestURI="/readyz"), event("list", POD, 504, user=CONTROLLER)],
        [event("get", None, 500, requestURI="/readyz", user=API_SERVER), event("list", POD, 429)],
    ),
    (
        "administrators",
        which_iam_identity(),
        [
            event("list", POD, annotations=allowed_by("EKSClusterAdmin")),
            event("list", POD, user={**ADA, "username": "admin", "groups": ["system:masters"]}),
            event("list", POD, user={**ADA, "username": "kubernetes-admin"}),
        ],
        [
            event("list", POD, annotations=allowed_by("EKSAdmin")),
            event("list", POD, annotations=forged_by(POLICY.format("EKSClusterAdmin"))),
            event("list", POD),
            # Not by IAM: EKS' own certificates.
            event("list", POD, user={"username": "kubernetes-admin", "groups": ["system:masters"]}),
            event("list", POD, 403, user={**ADA, "username": "kubernetes-admin"}),
        ],
    ),
    (
        "calls of a client",
        which_calls_of_client("kubectl", "watch"),
        [event("watch", POD, stage="ResponseStarted")],
        [event("watch", POD), event("get", POD), event("watch", POD, stage="ResponseStarted", userAgent="Helm/3")],
    ),
]


@pytest.mark.parametrize(("question", "found", "others"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_question_finds_these_and_not_their_neighbours(
    server: OpenSearch, question: Question, found: list[str], others: list[str]
) -> None:
    server.indices.delete(index=INDEX, ignore_unavailable=True)
    records = [record.replace('"responseStatus": null, ', "") for record in (*found, *others)]
    for place, document in enumerate(documents_of(batch(records, STREAMS["audit"]))):
        server.index(index=INDEX, id=str(place), body=dict(document.source))
    server.indices.refresh(index=INDEX)
    hits = server.search(index=INDEX, body={"query": question.query, "size": 100})["hits"]["hits"]
    assert sorted(int(hit["_id"]) for hit in hits) == list(range(len(found)))
