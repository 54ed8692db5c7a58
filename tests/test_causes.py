"""What led to a controller's request, on composed records: each kind of chain, and what is no cause."""

from typing import Any

import pytest

from eks_logs.causes import Chain, Source, as_data, chains, one_of_each_request, told, without_confirmations

JONAS = {
    "kind": "iam",
    "username": "kubernetes-admin",
    "session_name": "jonas.weber",
    "iam_arn": "arn:aws:iam::1:role/a",
}
CI = {"kind": "iam", "username": "ci-deployer"}
MARIA = {"kind": "user", "username": "maria"}
NODE = {"kind": "node", "username": "system:node:ip-10-0-0-1"}
KARPENTER = {"kind": "service_account", "username": "system:serviceaccount:karpenter:karpenter"}
CART = {"kind": "Deployment", "name": "cart", "uid": "d-1", "controller": True}
SET = {"kind": "ReplicaSet", "name": "cart-58f8bfcc58", "uid": "r-1", "controller": True}
POD = "cart-58f8bfcc58-bt4v2"
SET_IMAGE = {"spec": {"template": {"spec": {"containers": [{"name": "cart", "image": "cart:2"}]}}}}


def controller(name: str) -> dict[str, str]:
    return {"kind": "service_account", "username": f"system:serviceaccount:kube-system:{name}"}


def record(second: float, actor: dict[str, str], verb: str, what: str, **other: Any) -> dict[str, Any]:
    """An audit event about `resource[/subresource] [name]` in namespace shop, received at that second."""
    path, _, name = what.partition(" ")
    resource, _, subresource = path.partition("/")
    time = f"2026-11-25T08:27:{second:09.6f}Z"
    reference = {"resource": resource, "subresource": subresource, "namespace": "shop", "name": name}
    metadata = {name: other.pop(name) for name in ("uid", "generation", "ownerReferences", "labels") if name in other}
    return {
        "@id": f"{second}-{what}",
        "@timestamp": time,
        "requestReceivedTimestamp": time,
        "cluster": other.pop("cluster", "shop-prod"),
        "auditID": f"{second}-{what}",
        "stage": "ResponseComplete",
        "actor": actor,
        "verb": verb,
        "objectRef": {key: value for key, value in (reference | other.pop("ref", {})).items() if value},
        "outcome": "allowed",
        "responseObject": {"metadata": metadata},
        **other,
    }


def owned(*owners: dict[str, Any]) -> list[dict[str, Any]]:
    return list(owners)


def chain(*records: Source) -> Chain:
    """Of the last record."""
    (found,) = chains(records[-1:], records[:-1])
    assert found is not None
    return found


def said(*records: Source) -> str:
    return told(chain(*records))


ROLLOUT = [
    record(1, CI, "create", "deployments cart", uid="d-1", generation=1),
    record(2, CI, "patch", "deployments cart", uid="d-1", generation=2, requestObject=SET_IMAGE),
    record(
        3, controller("deployment-controller"), "create", f"replicasets {SET['name']}",
        uid="r-1", generation=1, ownerReferences=owned(CART),
    ),
    record(
        4, controller("replicaset-controller"), "create", "pods", generated_name=POD, uid="p-1",
        ownerReferences=owned(SET),
    ),
]  # fmt: skip
CONFIRMED = record(20, NODE, "delete", f"pods {POD}", uid="p-1", ownerReferences=owned(SET))


def test_a_rollout_leads_back_to_the_change_of_the_image() -> None:
    assert said(*ROLLOUT) == (
        "ci-deployer patched deployments shop/cart (set image) 08:27:02 → deployment controller created replicasets "
        f"shop/cart-58f8bfcc58 → replicaset controller → pod shop/{POD}"
    )


def test_a_scale_leads_back_to_who_asked_for_it_by_the_subresource() -> None:
    scaled = record(5, MARIA, "patch", "deployments/scale cart")
    smaller = record(
        6, controller("deployment-controller"), "update", f"replicasets {SET['name']}",
        uid="r-1", generation=2, ownerReferences=owned(CART),
    )  # fmt: skip
    deleted = record(7, controller("replicaset-controller"), "delete", f"pods {POD}", ownerReferences=owned(SET))
    assert said(*ROLLOUT, scaled, smaller, deleted) == (
        "maria scaled deployments shop/cart 08:27:05 → deployment controller scaled replicasets "
        f"shop/cart-58f8bfcc58 → replicaset controller → pod shop/{POD}"
    )


def test_the_autoscaler_ends_a_chain() -> None:
    scaled = record(5, controller("horizontal-pod-autoscaler"), "update", "deployments/scale cart")
    smaller = record(
        6, controller("deployment-controller"), "update", f"replicasets {SET['name']}", ownerReferences=owned(CART)
    )
    found = chain(*ROLLOUT, scaled, smaller)
    assert found.found
    assert found.links[0].username == "system:serviceaccount:kube-system:horizontal-pod-autoscaler"


def test_a_new_replica_set_does_not_come_of_scaling() -> None:
    scaled = record(2.5, MARIA, "patch", "deployments/scale cart")
    assert chain(*ROLLOUT[:2], scaled, ROLLOUT[2]).links[0].who == "ci-deployer"


def test_a_change_of_labels_or_of_nothing_scales_nothing() -> None:
    label = record(
        2.5, MARIA, "patch", "deployments cart", uid="d-1", requestObject={"metadata": {"labels": {"a": "b"}}}
    )
    same = record(2.6, MARIA, "update", "deployments cart", uid="d-1", generation=2)
    assert chain(*ROLLOUT[:2], label, same, ROLLOUT[2]).links[0].who == "ci-deployer"


def test_the_garbage_collector_leads_back_over_the_owners() -> None:
    deleted = record(10, JONAS, "delete", "deployments cart", responseObject={"details": {"uid": "d-1"}})
    replica_set = record(
        11, controller("generic-garbage-collector"), "delete", f"replicasets {SET['name']}",
        requestObject={"preconditions": {"uid": "r-1"}}, responseObject={},
    )  # fmt: skip
    pod = record(12, controller("generic-garbage-collector"), "delete", f"pods {POD}", ownerReferences=owned(SET))
    found = chain(*ROLLOUT, deleted, replica_set, pod)
    assert told(found) == f"jonas.weber deleted deployments shop/cart 08:27:10 → garbage collector → pod shop/{POD}"
    assert not found.by_name
    guessed = chain(deleted, replica_set, pod)
    assert guessed.by_name
    assert told(guessed).endswith("(by name)")


def test_an_object_of_the_same_name_and_another_uid_is_another() -> None:
    deleted = record(10, JONAS, "delete", f"replicasets {SET['name']}", responseObject={"details": {"uid": "r-0"}})
    pod = record(12, controller("generic-garbage-collector"), "delete", f"pods {POD}", ownerReferences=owned(SET))
    assert not chain(deleted, pod).found


def test_the_namespace_controller_leads_back_to_who_deleted_the_namespace() -> None:
    deleted = record(10, JONAS, "delete", "namespaces shop")
    pods = record(15, controller("namespace-controller"), "deletecollection", "pods")
    assert said(deleted, pods) == "jonas.weber deleted namespace shop 08:27:10 → namespace controller → pods of shop"
    rows = [pods, CONFIRMED]
    ((_, with_names),), left_out = without_confirmations(rows, chains(rows, [deleted]))
    assert with_names is not None
    assert with_names.confirmed == (POD,)
    assert left_out == 1


def test_a_drain_is_confirmed_by_the_kubelet_and_made_good_by_the_replica_set() -> None:
    evicted = record(10, JONAS, "create", f"pods/eviction {POD}")
    assert said(*ROLLOUT, evicted, CONFIRMED) == f"jonas.weber evicted pod shop/{POD} 08:27:10 → kubelet"
    another = record(
        11, controller("replicaset-controller"), "create", "pods", generated_name="cart-58f8bfcc58-kd2pz",
        ownerReferences=owned(SET),
    )  # fmt: skip
    assert said(*ROLLOUT, evicted, another) == (
        f"jonas.weber evicted pod shop/{POD} 08:27:10 → replicaset controller → pod shop/cart-58f8bfcc58-kd2pz"
    )


def test_what_a_replica_set_makes_good_long_after_a_change_has_another_cause() -> None:
    later = ROLLOUT[3] | {"requestReceivedTimestamp": "2026-11-25T08:50:00Z", "auditID": "later"}
    assert chain(*ROLLOUT[:3]).found
    assert not chain(*ROLLOUT[:3], later).found
    deleted = record(50, JONAS, "delete", "pods cart-58f8bfcc58-kd2pz", ownerReferences=owned(SET))
    assert not chain(*ROLLOUT[:3], deleted, later).found
    deleted["requestReceivedTimestamp"] = "2026-11-25T08:49:50Z"
    assert chain(*ROLLOUT[:3], deleted, later).links[0].who == "jonas.weber"


def test_karpenter_is_an_actor_of_its_own() -> None:
    evicted = record(10, KARPENTER, "create", f"pods/eviction {POD}")
    assert said(evicted, CONFIRMED).startswith(f"{KARPENTER['username']} evicted pod shop/{POD}")
    assert chain(evicted).found
    assert told(chain(evicted)) == ""


def test_a_confirmation_is_no_row_beside_the_deletion() -> None:
    evicted = record(10, JONAS, "create", f"pods/eviction {POD}")
    rows = [evicted, CONFIRMED]
    assert without_confirmations(rows, chains(rows, [])) == ([(evicted, None)], 1)
    alone = chains([CONFIRMED], [evicted])
    assert without_confirmations([CONFIRMED], alone) == ([(CONFIRMED, alone[0])], 0)


def test_the_first_of_several_deletions_counts() -> None:
    first = record(10, JONAS, "delete", f"pods {POD}", uid="p-1")
    second = record(11, MARIA, "delete", f"pods {POD}", uid="p-1")
    assert chain(second, first, CONFIRMED).links[0].who == "jonas.weber"


def test_a_pod_made_anew_under_its_name_was_not_deleted_before() -> None:
    before = record(1, MARIA, "create", "pods/eviction web-0")
    made = record(5, controller("statefulset-controller"), "create", "pods web-0", uid="p-2")
    evicted = record(10, JONAS, "create", "pods/eviction web-0")
    assert chain(before, made, evicted, record(20, NODE, "delete", "pods web-0")).links[0].who == "jonas.weber"


def test_stateful_sets_daemon_sets_and_jobs_do_what_their_object_says() -> None:
    for name, resource, pod in (
        ("statefulset-controller", "statefulsets", "web-0"),
        ("daemon-set-controller", "daemonsets", "web-bt4v2"),
        ("job-controller", "jobs", "web-bt4v2"),
    ):
        changed = record(1, CI, "update", f"{resource} web")
        deleted = record(2, controller(name), "delete", f"pods {pod}")
        created = record(3, controller(name), "create", f"pods {pod}")
        assert chain(changed, deleted).links[0].who == "ci-deployer"
        assert chain(changed, deleted, created).links[0].who == "ci-deployer"
        assert chain(changed, deleted, created).by_name


def test_a_cron_job_leads_back_to_its_author_or_ends_with_its_controller() -> None:
    made = record(1, CI, "create", "cronjobs tick", uid="c-1")
    job = record(
        2, controller("cronjob-controller"), "create", "jobs tick-29401",
        ownerReferences=owned({"kind": "CronJob", "name": "tick", "uid": "c-1"}),
    )  # fmt: skip
    assert said(made, job).startswith("ci-deployer created cronjobs shop/tick")
    old = record(3, controller("cronjob-controller"), "delete", "jobs tick-29401")
    pod = record(4, controller("generic-garbage-collector"), "delete", "pods tick-29401-bt4v2")
    found = chain(old, pod)
    assert found.found
    assert found.links[0].username == "system:serviceaccount:kube-system:cronjob-controller"


NO_CAUSES = {
    "denied": {"outcome": "denied"},
    "failed, such as by a disruption budget": {"outcome": "failed"},
    "not answered": {"outcome": None},
    "a dry run": {"requestURI": f"/api/v1/namespaces/shop/pods/{POD}/eviction?dryRun=All"},
    "a dry run, as the function says": {"dry_run": True},
    "a dry run by its body": {"requestObject": {"deleteOptions": {"dryRun": ["All"]}}},
    "of another cluster": {"cluster": "shop-test"},
    "of no cluster": {"cluster": None},
    "of a cluster of that name elsewhere": {"region": "us-east-1"},
    "in another namespace": {"ref": {"namespace": "shop-test"}},
    "about another pod": {"ref": {"name": "cart-58f8bfcc58-kd2pz"}},
    "later": {"requestReceivedTimestamp": "2026-11-25T08:27:20.000001Z"},
    "at the same time": {"requestReceivedTimestamp": "2026-11-25T08:27:20Z"},
}


@pytest.mark.parametrize("other", NO_CAUSES.values(), ids=NO_CAUSES)
def test_what_is_no_cause(other: dict[str, Any]) -> None:
    found = chain(record(10, JONAS, "create", f"pods/eviction {POD}", **other), CONFIRMED)
    assert not found.found
    assert told(found) == f"kubelet deleted pod shop/{POD} 08:27:20 (cause not among the records)"


def test_the_order_is_the_api_servers_and_not_that_of_cloudwatch() -> None:
    evicted = record(10, JONAS, "create", f"pods/eviction {POD}") | {"@timestamp": "2026-11-25T09:00:00Z"}
    assert chain(evicted, CONFIRMED).links[0].who == "jonas.weber"


def test_two_people_within_a_second_keep_their_own() -> None:
    other = "web-58f8bfcc58-kd2pz"
    records = [
        record(10.1, JONAS, "delete", f"pods {POD}"),
        record(10.2, MARIA, "delete", f"pods {other}"),
    ]
    first, second = chains([CONFIRMED, record(21, NODE, "delete", f"pods {other}")], records)
    assert first is not None
    assert second is not None
    assert [first.links[0].who, second.links[0].who] == ["jonas.weber", "maria"]


@pytest.mark.parametrize(
    ("selector", "is_cause"),
    [
        ("", True),
        ("?labelSelector=app%3Dcart", True),
        ("?labelSelector=app%3D%3Dcart%2Ctier", True),
        ("?labelSelector=app%3Dweb", False),
        ("?labelSelector=app%21%3Dweb", True),
        ("?labelSelector=app+in+%28cart%2C+web%29%2Ctier%3Dfront", True),
        ("?labelSelector=app+in+%28web%2C+shop%29", False),
        ("?labelSelector=app+notin+%28cart%29", False),
        ("?labelSelector=zone+notin+%28a%29%2C%21zone%2Czone%21%3Db", True),
        ("?labelSelector=%21app", False),
        ("?labelSelector=zone", False),
        ("?labelSelector=%28%29%28", False),
        ("?fieldSelector=spec.nodeName%3Dip-10-0-0-1", True),
        ("?fieldSelector=spec.nodeName%3Dip-10-0-0-2", False),
        ("?fieldSelector=status.phase%21%3DRunning", False),
        (f"?fieldSelector=metadata.name%3D{POD}%2Cmetadata.namespace%3D%3Dshop", True),
    ],
)
def test_a_collection_is_what_its_selectors_choose(selector: str, *, is_cause: bool) -> None:
    deleted = record(10, MARIA, "deletecollection", "pods", requestURI=f"/api/v1/namespaces/shop/pods{selector}")
    answer = {"metadata": {"labels": {"app": "cart", "tier": "front"}}, "spec": {"nodeName": "ip-10-0-0-1"}}
    pod = record(20, NODE, "delete", f"pods {POD}", responseObject=answer)
    assert chain(deleted, pod).found is is_cause


def test_people_readers_and_other_logs_have_no_chain() -> None:
    api_server = record(1, {"kind": "component", "username": "system:apiserver"}, "create", "namespaces default")
    rows = [record(1, JONAS, "delete", "pods a"), record(1, NODE, "get", "pods a"), {"@timestamp": "?"}, api_server]
    assert chains(rows, []) == (None, None, None, None)


def test_a_request_is_one_row_with_its_last_stage() -> None:
    done = record(1, JONAS, "get", "pods/exec a")
    started = done | {"stage": "ResponseStarted"}
    lines = [{"log_type": "scheduler"}, {"log_type": "scheduler"}]
    assert one_of_each_request([started, done, *lines]) == [done, *lines]
    assert one_of_each_request([done, started, done | {"cluster": "b"}]) == [done, done | {"cluster": "b"}]


GARBAGE_COLLECTOR = controller("pod-garbage-collector")
TAINT = {"spec": {"taints": [{"key": "broken", "effect": "NoExecute"}]}}
ON_NODE = {"responseObject": {"metadata": {}, "spec": {"nodeName": "ip-10-0-0-1"}}}
OF_CLUSTER = {"namespace": ""}


def test_a_pod_of_a_node_that_is_gone_leads_back_to_who_deleted_the_node() -> None:
    karpenter = record(10, KARPENTER, "delete", "nodes ip-10-0-0-1", ref=OF_CLUSTER)
    other = record(11, MARIA, "delete", "nodes ip-10-0-0-2", ref=OF_CLUSTER)
    gone = record(50, GARBAGE_COLLECTOR, "delete", f"pods {POD}", **ON_NODE)
    assert said(karpenter, other, gone) == (
        f"{KARPENTER['username']} deleted nodes ip-10-0-0-1 08:27:10 → pod garbage collector → pod shop/{POD}"
    )
    assert said(other, gone).endswith("(cause not among the records)")


def test_the_binding_tells_the_node_of_a_pod_whose_record_does_not() -> None:
    scheduler = {"kind": "component", "username": "system:kube-scheduler"}
    bound = record(5, scheduler, "create", f"pods/binding {POD}", requestObject={"target": {"name": "ip-10-0-0-1"}})
    node = record(10, MARIA, "delete", "nodes ip-10-0-0-1", ref=OF_CLUSTER)
    assert chain(bound, node, record(50, GARBAGE_COLLECTOR, "delete", f"pods {POD}")).links[0].who == "maria"
    tainted = record(11, JONAS, "patch", "nodes ip-10-0-0-1", ref=OF_CLUSTER, requestObject=TAINT)
    evicted = record(12, controller("taint-eviction-controller"), "delete", f"pods {POD}")
    assert chain(bound, tainted, evicted).links[0].who == "jonas.weber"


def test_the_pod_garbage_collector_ends_a_deletion_that_no_kubelet_confirms() -> None:
    deleted = record(10, JONAS, "delete", f"pods {POD}")
    forced = record(30, GARBAGE_COLLECTOR, "delete", f"pods {POD}")
    assert said(deleted, forced) == f"jonas.weber deleted pod shop/{POD} 08:27:10 → pod garbage collector"


@pytest.mark.parametrize("name", ["node-controller", "taint-eviction-controller"])
def test_an_eviction_by_taint_leads_back_to_who_tainted_the_node(name: str) -> None:
    tainted = record(10, JONAS, "patch", "nodes ip-10-0-0-1", ref=OF_CLUSTER, requestObject=TAINT)
    conditions = {"status": {"conditions": [{"message": "NoExecute"}]}, "spec": {}}
    reported = record(11, NODE, "patch", "nodes/status ip-10-0-0-1", ref=OF_CLUSTER, requestObject=conditions)
    cordoned = record(
        12, MARIA, "patch", "nodes ip-10-0-0-1", ref=OF_CLUSTER,
        requestObject={"metadata": {"annotations": {"a": "NoExecute"}}, "spec": {"unschedulable": True}},
    )  # fmt: skip
    evicted = record(20, controller(name), "delete", f"pods {POD}", **ON_NODE)
    replaced = record(
        21, controller("replicaset-controller"), "create", "pods", generated_name="cart-58f8bfcc58-kd2pz",
        ownerReferences=owned(SET),
    )  # fmt: skip
    assert said(tainted, reported, cordoned, evicted).startswith("jonas.weber patched nodes ip-10-0-0-1 08:27:10 → ")
    assert said(*ROLLOUT, tainted, evicted, replaced).startswith("jonas.weber patched nodes ip-10-0-0-1 08:27:10 → ")
    assert not chain(cordoned, evicted).found


def test_a_node_that_is_not_ready_is_tainted_by_its_controller_which_ends_the_chain() -> None:
    tainted = record(
        10, controller("node-controller"), "patch", "nodes ip-10-0-0-1", ref=OF_CLUSTER, requestObject=TAINT
    )
    found = chain(tainted, record(20, controller("node-controller"), "delete", f"pods {POD}", **ON_NODE))
    assert found.found
    assert len(found.links) == 2


OPERATOR = {"kind": "service_account", "username": "system:serviceaccount:databases:operator"}
DATABASE = {"kind": "Database", "name": "orders", "uid": "b-1", "controller": True}


@pytest.mark.parametrize("operator", [OPERATOR, controller("aws-load-balancer-controller")])
def test_what_an_operator_makes_leads_back_to_who_asked_for_it(operator: dict[str, str]) -> None:
    asked = record(10, JONAS, "create", "databases orders", uid="b-1", generation=1)
    progress = record(11, operator, "update", "databases orders", uid="b-1", generation=2)
    made = record(12, operator, "create", "statefulsets orders-db", uid="s-1", ownerReferences=owned(DATABASE))
    pod = record(
        13, controller("statefulset-controller"), "create", "pods orders-db-0",
        ownerReferences=owned({"kind": "StatefulSet", "name": "orders-db", "uid": "s-1"}),
    )  # fmt: skip
    assert told(chain(asked, progress, made)).startswith("jonas.weber created databases shop/orders 08:27:10 → ")
    assert chain(asked, progress, made, pod).links[0].who == "jonas.weber"
    alone = chain(progress, made)
    assert alone.found
    assert told(alone) == ""


def test_a_person_who_makes_an_object_with_an_owner_is_the_cause() -> None:
    made = record(12, MARIA, "create", "pods a", ownerReferences=owned(DATABASE))
    assert chains([made], [record(10, JONAS, "create", "databases orders")]) == (None,)


def test_what_every_namespace_has_leads_back_to_who_made_the_namespace() -> None:
    made = record(10, JONAS, "create", "namespaces shop")
    trusted = record(11, controller("root-ca-cert-publisher"), "create", "configmaps kube-root-ca.crt")
    account = record(12, controller("service-account-controller"), "create", "serviceaccounts default")
    assert said(made, trusted) == (
        "jonas.weber created namespace shop 08:27:10 → root ca cert publisher → configmaps shop/kube-root-ca.crt"
    )
    assert chain(made, account).links[0].who == "jonas.weber"
    deleted = record(13, MARIA, "delete", "configmaps kube-root-ca.crt")
    again = record(14, controller("root-ca-cert-publisher"), "create", "configmaps kube-root-ca.crt")
    assert chain(made, trusted, deleted, again).links[0].who == "maria"
    other = record(10, JONAS, "create", "namespaces else", ref={"namespace": "else"})
    assert not chain(other, trusted).found


def test_the_scheduler_binds_what_was_made() -> None:
    scheduler = {"kind": "component", "username": "system:kube-scheduler"}
    bound = record(5, scheduler, "create", f"pods/binding {POD}")
    assert said(*ROLLOUT, bound) == (
        "ci-deployer patched deployments shop/cart (set image) 08:27:02 → deployment controller created replicasets "
        f"shop/cart-58f8bfcc58 → replicaset controller created pod shop/{POD} → system:kube-scheduler"
    )
    assert said(record(1, MARIA, "create", "pods web"), record(2, scheduler, "create", "pods/binding web")) == (
        "maria created pod shop/web 08:27:01 → system:kube-scheduler"
    )


def test_a_daemon_set_has_a_pod_on_a_new_node() -> None:
    owner = owned({"kind": "DaemonSet", "name": "agent", "uid": "d-9"})
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["ip-10-0-0-1"]}]}
    ]}}}  # fmt: skip
    made = record(1, JONAS, "create", "daemonsets agent", uid="d-9")
    joined = record(30, NODE, "create", "nodes ip-10-0-0-1", ref=OF_CLUSTER)
    pod = record(
        31, controller("daemon-set-controller"), "create", "pods", generated_name="agent-bt4v2",
        ownerReferences=owner, requestObject={"spec": {"affinity": affinity}},
    )  # fmt: skip
    assert said(made, joined, pod) == (
        "kubelet created nodes ip-10-0-0-1 08:27:30 → daemon set controller → pod shop/agent-bt4v2"
    )
    assert chain(made, pod).links[0].who == "jonas.weber"


def test_a_client_that_writes_the_audit_id_hides_no_request() -> None:
    evicted = record(10, JONAS, "create", f"pods/eviction {POD}", auditID="same")
    read = record(9, MARIA, "patch", "pods b", auditID="same")
    assert one_of_each_request([evicted, read]) == [evicted, read]
    assert chain(evicted, read, CONFIRMED | {"auditID": "same"}).links[0].who == "jonas.weber"
    kept, left_out = without_confirmations([evicted, read], chains([evicted, read], []))
    assert (len(kept), left_out) == (2, 0)


HOSTILE: list[dict[str, Any]] = [
    {"requestObject": "text"},
    {"requestObject": [1, {"path": 3}]},
    {"responseObject": []},
    {"responseObject": {"metadata": {"ownerReferences": [None, {"kind": 1}], "labels": 3, "generation": "x"}}},
    {"requestURI": "http://[", "objectRef": {"resource": {}, "name": []}},
    {"requestReceivedTimestamp": 5, "@timestamp": "2026-11-25"},
    {"actor": None},
    {"requestObject": {"spec": {"affinity": {"nodeAffinity": []}}, "target": 3}},
    {
        "requestObject": {
            "spec": {
                "affinity": {
                    "nodeAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [3]}]}
                    }
                }
            }
        }
    },
    {"stage": "New"},
]


@pytest.mark.parametrize("other", HOSTILE)
def test_members_of_another_type_raise_nothing(other: dict[str, Any]) -> None:
    rows = [record(10, NODE, "delete", f"pods {POD}") | other, CONFIRMED]
    found = chains(rows, rows)
    kept, left_out = without_confirmations(rows, found)
    assert len(found) == len(kept) + left_out == len(rows)


def test_an_arrow_in_a_name_is_no_link() -> None:
    forged = {"kind": "user", "username": "eve → maria deleted pods"}
    assert said(record(10, forged, "delete", f"pods {POD}"), CONFIRMED).count("→") == 1


def test_programs_get_who_did_what_and_when() -> None:
    data = as_data(chain(record(10, JONAS, "create", f"pods/eviction {POD}"), CONFIRMED))
    assert data["cause_found"]
    assert data["links"][0] == {
        "who": "jonas.weber",
        "username": "kubernetes-admin",
        "session_name": "jonas.weber",
        "iam_arn": "arn:aws:iam::1:role/a",
        "kind": "iam",
        "verb": "create",
        "action": "evicted",
        "resource": "pods",
        "subresource": "eviction",
        "namespace": "shop",
        "name": POD,
        "time": "2026-11-25T08:27:10Z",
        "auditID": f"10-pods/eviction {POD}",
    }
