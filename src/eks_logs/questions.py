"""What people ask of the logs: each question is one plain query over the fields that the index template maps.

A question is a function. Its parameters say what a person may choose; one that is None by default is then of any value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

Query: TypeAlias = Mapping[str, Any]
"""A query, or the aggregations of a request, in OpenSearch's query language."""

Exact: TypeAlias = str | bool | tuple[str, ...] | None
"""What a field has to hold: this value, one of these values, or (None) anything."""

_CHANGES = ("create", "update", "patch", "delete", "deletecollection")
_GRANTS = ("create", "update", "patch")
_RUNS = (
    *("pods", "podtemplates", "replicasets", "deployments", "daemonsets", "statefulsets", "replicationcontrollers"),
    *("jobs", "cronjobs", "persistentvolumes"),
)
_RIGHTS = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
# Those that no Pod Security Standard but `privileged` lets a container add (Kubernetes, "Pod Security Standards").
_STRONG_CAPABILITIES = (
    *("ALL", "AUDIT_CONTROL", "AUDIT_READ", "BLOCK_SUSPEND", "BPF", "CHECKPOINT_RESTORE", "DAC_READ_SEARCH"),
    *("IPC_LOCK", "IPC_OWNER", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE", "NET_ADMIN", "NET_BROADCAST"),
    *("NET_RAW", "PERFMON", "SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE"),
    *("SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM"),
)
# The answer to a patch is the whole Secret, also to one that changes nothing; that to a deletecollection all of them.
_READS = ("get", "list", "watch", "patch", "deletecollection")
_IAM = ("actor.session_name", "actor.iam_arn")
_WHO = ("actor.username", *_IAM, "actor.source_ip")
_SERVICE_ACCOUNT = "system:serviceaccount:kube-system:"
_FIRST_ERROR = 400
_MASTERS = "system:masters"
# Of EKS' own authorizer: … allowed by ClusterRoleBinding "<IAM ARN>+<policy's ARN>" of ClusterRole "<policy's ARN>" …
_ADMIN_POLICY = "EKS Access Policy: allowed by *:cluster-access-policy/AmazonEKSClusterAdminPolicy*"


@dataclass(frozen=True)
class Bucket:
    """The records that have a value in common.

    Attributes:
        value: As text.
        records: How many there are.
        metrics: Further numbers and times (ISO 8601) about them, by name.
    """

    value: str
    records: int
    metrics: Mapping[str, int | str]


@dataclass(frozen=True)
class Answer:
    """What OpenSearch found.

    Attributes:
        total: How many records.
        rows: Of each record what the question shows, in that order, as text.
        counts: The buckets of each aggregation, in the order that OpenSearch gave them.
    """

    total: int
    rows: tuple[tuple[str, ...], ...]
    counts: Mapping[str, tuple[Bucket, ...]]


@dataclass(frozen=True)
class Question:
    """A question and how OpenSearch answers it.

    Attributes:
        number: Its place among the questions.
        text: As a person asks it.
        query: What finds the records.
        shows: The fields of each record that answer it, the `@timestamp` first.
        aggregations: What is counted, where the answer is a count.
        controllers: What finds the records of Kubernetes' own controllers, components and nodes, where they are many
            and `query` leaves them out. No record is found by both.
        oldest_first: Whether it is the first record that answers it, and not the newest.
    """

    number: int
    text: str
    query: Query
    shows: tuple[str, ...]
    aggregations: Query = field(default_factory=dict)
    controllers: Query | None = None
    oldest_first: bool = False

    @property
    def everything(self) -> Query:
        """What finds the records of people and of controllers."""
        return self.query if self.controllers is None else _any_of(self.query, self.controllers)

    def by_controllers(self) -> "Question | None":
        """The same question about controllers, components and nodes; None where `query` has theirs too."""
        if self.controllers is None:
            return None
        return replace(
            self,
            text=f"{self.text} (controllers, components, nodes)",
            query=self.controllers,
            shows=tuple(name for name in self.shows if name not in _IAM),
            controllers=None,
        )

    def within(self, part: Query) -> "Question":
        """The same question about a part of the records, such as those of one cluster."""
        controllers = None if self.controllers is None else _where({}, self.controllers, part)
        return replace(self, query=_where({}, self.query, part), controllers=controllers)

    def request(self, size: int = 100, *, newest_first: bool = False) -> dict[str, Any]:
        """The body of the search for the `size` oldest, or newest, records."""
        order = "desc" if newest_first and not self.oldest_first else "asc"
        return {
            "query": self.query,
            "aggs": self.aggregations,
            "_source": list(self.shows),
            "sort": [{"@timestamp": order}, {"@id": order}],
            "size": size,
            "track_total_hits": True,
        }

    def read(self, found: Mapping[str, Any]) -> Answer:
        """The answer in what the search returned."""
        return Answer(
            total=found["hits"]["total"]["value"],
            rows=tuple(self.row(hit["_source"]) for hit in found["hits"]["hits"]),
            counts={
                name: tuple(_bucket(bucket) for bucket in found["aggregations"][name]["buckets"])
                for name in self.aggregations
            },
        )

    def row(self, source: Mapping[str, Any]) -> tuple[str, ...]:
        """What the question shows of a document."""
        return tuple(as_text(field_of(source, path)) for path in self.shows)


def _bucket(bucket: Mapping[str, Any]) -> Bucket:
    metrics = {name: _metric(metric) for name, metric in bucket.items() if isinstance(metric, Mapping)}
    return Bucket(str(bucket["key"]), bucket["doc_count"], metrics)


def _metric(metric: Mapping[str, Any]) -> int | str:
    if "buckets" in metric:
        return ", ".join(str(bucket["key"]) for bucket in metric["buckets"])
    text: str | None = metric.get("value_as_string")
    return int(metric["value"]) if text is None else text


def field_of(source: Mapping[str, Any], path: str) -> object:
    """The value at a path of a document; None where there is none. A name may hold dots, as annotations do."""
    if path in source:
        return source[path]
    for name, member in source.items():
        if isinstance(member, Mapping) and path.startswith(f"{name}."):
            return field_of(member, path.removeprefix(f"{name}."))
    return None


def as_text(value: object) -> str:
    """A field's value for a person: of several values a list, of none nothing."""
    if isinstance(value, list):
        return ", ".join(map(as_text, value))
    return "" if value is None else str(value)


def _where(exact: Mapping[str, Exact], *others: Query, unless: Query | None = None) -> Query:
    """All of these; as filters, since a score means nothing here."""
    filters = [_clause(name, value) for name, value in exact.items() if value is not None]
    return {"bool": {"filter": [*filters, *others], "must_not": [] if unless is None else [unless]}}


def _clause(name: str, value: Exact) -> Query:
    return {"terms": {name: list(value)}} if isinstance(value, tuple) else {"term": {name: value}}


def _any_of(*queries: Query) -> Query:
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def _exists(name: str) -> Query:
    return {"exists": {"field": name}}


def _not(query: Query) -> Query:
    return {"bool": {"must_not": [query]}}


# What was let. Of a record that was cut off before its end, as a client can make it be, that is not known: it may be.
_LET = _any_of(
    _clause("outcome", "allowed"),
    _where({"stage": ("ResponseStarted", "ResponseComplete")}, unless=_exists("outcome")),
)
# And stored, not tried out.
_DONE = _where({}, _LET, unless=_clause("dry_run", value=True))
_EVENTLESS = _not(_exists("stage"))
_ANSWERED = _clause("stage", ("ResponseComplete", "Panic"))
_STARTED = _clause("stage", "ResponseStarted")
_FAILED: Query = {"range": {"responseStatus.code": {"gte": _FIRST_ERROR}}}
_SUCCEEDED: Query = {"range": {"responseStatus.code": {"lt": _FIRST_ERROR}}}
_LONG_RUNNING = _any_of(
    _clause("verb", ("watch", "proxy")),
    _clause("objectRef.subresource", ("attach", "exec", "log", "portforward", "proxy")),
)
_NOT_AUTHENTICATED = _where({"responseStatus.code": "401"}, unless=_exists("actor.username"))

_SUBRESOURCE = _exists("objectRef.subresource")

ONCE: Query = _any_of(
    _EVENTLESS,
    _where({}, _STARTED, _any_of(_not(_FAILED), _NOT_AUTHENTICATED)),
    _where({}, _ANSWERED, unless=_where({}, _LONG_RUNNING, _SUCCEEDED)),
)
"""What finds of each request one record, and records of other logs.

A long-running request that is let has a record when it begins (`ResponseStarted`), the only one while it lasts, and one
when it ends; of one that fails, the end is there in any case. A caller that is not authenticated has a beginning alone.
`auditID` tells requests apart less well: a client may write it, by the header `Audit-ID`.

Source: Kubernetes, apiserver/pkg/endpoints/filters (audit.go, authn_audit.go), and what kube-apiserver calls
long-running (controlplane/apiserver/config.go).
"""

CONTROLLERS: Query = _any_of(
    _clause("actor.kind", ("component", "node")),
    _where({"actor.kind": "service_account", "actor.namespace": "kube-system"}),
)
"""What finds the doings of the control plane itself, of EKS, of nodes, and of service accounts in kube-system.

A service account of another namespace is not among them: its token may be in anybody's hands.
"""


NODES: Query = _clause("actor.kind", "node")
SERVICE_ACCOUNTS: Query = _clause("actor.kind", "service_account")

API_SERVER: Query = _where({"actor.kind": "component", "actor.username": "system:apiserver"})
"""What finds the doings of the API server's own client: at every start it makes what each cluster has, such as RBAC.

An IAM identity that `aws-auth` gives this name is of another kind.
"""


def _without_controllers(query: Query) -> Query:
    return _where({}, query, unless=CONTROLLERS)


def _of_controllers(query: Query) -> Query:
    return _where({}, query, CONTROLLERS)


def _literal(text: str) -> str:
    r"""Text within a wildcard query, where `*`, `?` and `\` would mean something."""
    return "".join(f"\\{character}" if character in r"*?\\" else character for character in text)


def _values(name: str, size: int = 20, **metrics: Query) -> Query:
    return {"terms": {"field": name, "size": size}, "aggs": metrics}


def which_iam_identity(user: str | None = None) -> Question:
    """1: the first administrator that the logs know, which is the creator if they reach back to the beginning.

    Only CloudTrail's `CreateCluster` is certain. A creator is called `kubernetes-admin`, or by its ARN where it has an
    access entry. What makes an administrator is the group `system:masters`, which the authenticator gives, or an
    access policy, which only the reason of an audit event names.
    """
    shown = ("@timestamp", "log_type", "actor.username", "actor.iam_arn", "actor.groups", "message")
    identities = _values("actor.iam_arn", first_seen={"min": {"field": "@timestamp"}})
    counts = {"identities": {**identities, "terms": {**identities["terms"], "order": {"first_seen": "asc"}}}}
    if user is not None:
        granted = _where({"log_type": "authenticator", "outcome": "allowed", "actor.username": user})
        return Question(1, f"Which IAM identity is {user}?", granted, shown, counts, oldest_first=True)
    policy: Query = {"wildcard": {"annotations.authorization.k8s.io/reason.keyword": {"value": _ADMIN_POLICY}}}
    administrator = _any_of(_clause("actor.username", "kubernetes-admin"), _clause("actor.groups", _MASTERS), policy)
    return Question(
        1,
        "Who created the cluster? Which IAM identities are its administrators, the first seen first?",
        _where(
            {"log_type": ("authenticator", "audit"), "outcome": "allowed", "actor.kind": "iam"},
            _exists("actor.iam_arn"),
            administrator,
            ONCE,
        ),
        shown,
        counts,
        oldest_first=True,
    )


def what_did_user(user: str = "kubernetes-admin") -> Question:
    """2: a part of the name is enough, since the name of an IAM session may be its whole ARN."""
    part_of_name = {"wildcard": {"actor.username": {"value": f"*{_literal(user)}*"}}}
    return Question(
        2,
        f"What did {user} do?",
        _where({"log_type": "audit"}, part_of_name, ONCE),
        ("@timestamp", "actor.session_name", "actor.source_ip", "message"),
    )


def which_calls_of_client(client: str = "kubectl", verb: str | None = None) -> Question:
    """3: a user agent begins with the program and its version."""
    return Question(
        3,
        f"Which {f'{verb} ' if verb else ''}calls came from client {client}?",
        _where({"log_type": "audit", "verb": verb}, {"prefix": {"userAgent.keyword": client}}, ONCE),
        ("@timestamp", "actor.session_name", "message", "userAgent"),
    )


def who_changed_config_map(name: str = "aws-auth", namespace: str = "kube-system") -> Question:
    """4: only requests that succeeded have changed it."""
    changes: dict[str, Exact] = {"log_type": "audit", "verb": _CHANGES}
    return Question(
        4,
        f"Who changed ConfigMap {namespace}/{name}?",
        _where(
            {**changes, "objectRef.resource": "configmaps", "objectRef.namespace": namespace},
            *_named(name),
            _DONE,
            ONCE,
        ),
        ("@timestamp", "verb", *_WHO, "userAgent"),
    )


def _named(name: str | None) -> tuple[Query, ...]:
    """What finds the requests about an object: those with its name, and what was done to all of a namespace."""
    if name is None:
        return ()
    all_of_them = _where({"verb": "deletecollection"}, unless=_exists("objectRef.name.keyword"))
    return (_any_of(_clause("objectRef.name.keyword", name), all_of_them),)


def which_requests_were_denied() -> Question:
    """5: by the authenticator, for want of an identity, by authorization or by an admission plugin."""
    denied = _where({"outcome": "denied"}, ONCE)
    return Question(
        5,
        "Which requests were denied?",
        _without_controllers(denied),
        ("@timestamp", "log_type", "message"),
        controllers=_of_controllers(denied),
    )


def which_node_runs_pod(name: str | None = None, namespace: str | None = None) -> Question:
    """6: the scheduler's log says it, and so does the binding in the audit log; one of them is enough."""
    bound: dict[str, Exact] = {"log_type": "scheduler", "klog.message.keyword": "Successfully bound pod to node"}
    binding: dict[str, Exact] = {
        "objectRef.resource": "pods",
        "objectRef.subresource": "binding",
        "objectRef.namespace": namespace,
        "objectRef.name.keyword": name,
    }
    return Question(
        6,
        f"On which node did the scheduler put {_pods(name, namespace)}?",
        _any_of(_where(bound, *_of_pod(name, namespace)), _where(binding, _DONE)),
        ("@timestamp", "log_type", "message", "klog.node", "requestObject.target.name"),
    )


def _pods(pod: str | None, namespace: str | None) -> str:
    """What a question names: a pod, or all of a namespace, or all."""
    if pod is None:
        return "pods" if namespace is None else f"pods of {namespace}"
    return f"pod {pod}" if namespace is None else f"pod {namespace}/{pod}"


def _of_pod(pod: str | None, namespace: str | None) -> tuple[Query, ...]:
    """What finds a pod, or those of a namespace, in klog's `namespace/name`; nothing where it may be any."""
    if pod is None:
        return () if namespace is None else ({"prefix": {"klog.pod": f"{namespace}/"}},)
    if namespace is None:
        return ({"wildcard": {"klog.pod": {"value": f"*/{_literal(pod)}"}}},)
    return (_clause("klog.pod", f"{namespace}/{pod}"),)


def which_calls_failed() -> Question:
    """7: on the server's side; without an API server that asks itself, while it starts, whether it is ready."""
    starting = _where({"actor.username": "system:apiserver"}, {"prefix": {"requestURI.keyword": "/readyz"}})
    return Question(
        7,
        "Which API calls failed with 5xx?",
        _where({"log_type": "audit"}, {"range": {"responseStatus.code": {"gte": 500}}}, ONCE, unless=starting),
        ("@timestamp", "responseStatus.code", "message", "responseStatus.message"),
    )


def what_did_cronjob_controller() -> Question:
    """8: the schedule and the last run stand in the CronJob that the controller's status update returns."""
    return Question(
        8,
        "What did the cronjob-controller do? Why did my CronJob not fire?",
        _where({"log_type": "audit", "actor.username": f"{_SERVICE_ACCOUNT}cronjob-controller"}, ONCE),
        (
            "@timestamp",
            *("verb", "objectRef.resource", "objectRef.namespace", "objectRef.name", "responseStatus.code"),
            *("responseObject.spec.schedule", "responseObject.status.lastScheduleTime", "responseStatus.message"),
        ),
    )


def what_did_replicaset_controller() -> Question:
    """9: it leaves the name of a new pod to the server, so the name stands in the response alone."""
    return Question(
        9,
        "What did the replicaset-controller do?",
        _where({"log_type": "audit", "actor.username": f"{_SERVICE_ACCOUNT}replicaset-controller"}, ONCE),
        ("@timestamp", "verb", "requestURI", "generated_name", "responseStatus.code"),
    )


def who_deleted_pod(name: str | None = None, namespace: str | None = None) -> Question:
    """10: by its name, with all of a namespace, or by evicting it; of one pod, the controller that did it too.

    The `delete` of the pod's own kubelet confirms that its containers are gone, and is nobody's wish: it is left to the
    question about controllers. An eviction is, whoever asks for it: a drain, Karpenter, Fargate.
    """
    pods: dict[str, Exact] = {"objectRef.resource": "pods", "objectRef.namespace": namespace}
    itself = _where({**pods, "verb": ("delete", "deletecollection")}, unless=_exists("objectRef.subresource"))
    evicted = _where({**pods, "verb": "create", "objectRef.subresource": "eviction"})
    allowed = _where({"log_type": "audit"}, *_named(name), _DONE, ONCE)
    by_controllers = _where({}, itself, CONTROLLERS)
    by_kubelet = _where({"actor.kind": "node"}, itself)
    apart = by_controllers if name is None else by_kubelet
    return Question(
        10,
        f"Who deleted {_pods(name, namespace)}?",
        _where({}, allowed, _any_of(itself, evicted), unless=apart),
        ("@timestamp", "message", "objectRef.namespace", "objectRef.name", *_WHO, "userAgent"),
        controllers=_where({}, allowed, apart),
    )


def who_deleted(resource: str, name: str | None = None, namespace: str | None = None) -> Question:
    """10, of any other resource, by its name in the API, such as `deployments`."""
    things = resource if name is None else f"{resource} {name}"
    itself: dict[str, Exact] = {"objectRef.resource": resource, "objectRef.namespace": namespace}
    deletes: dict[str, Exact] = {"log_type": "audit", "verb": ("delete", "deletecollection")}
    deleted = _where({**deletes, **itself}, *_named(name), _DONE, ONCE, unless=_SUBRESOURCE)
    return Question(
        10,
        f"Who deleted {things}{f' of {namespace}' if namespace else ''}?",
        _without_controllers(deleted) if name is None else deleted,
        ("@timestamp", "message", "objectRef.namespace", "objectRef.name", *_WHO, "userAgent"),
        controllers=_of_controllers(deleted) if name is None else None,
    )


def how_many_calls_per_code() -> Question:
    """11: a long-running call is one call and two records, so the calls are counted by their `auditID`.

    That count is approximate beyond 40,000 calls, the highest precision that the cardinality aggregation has.
    """
    calls = {"cardinality": {"field": "auditID", "precision_threshold": 40_000}}
    return Question(
        11,
        "How many calls per HTTP response code?",
        _where({"log_type": "audit"}, _exists("responseStatus.code")),
        ("@timestamp", "responseStatus.code", "message"),
        {"codes": _values("responseStatus.code", 100, calls=calls)},
    )


def who_changed_daemonsets(namespace: str = "kube-system") -> Question:
    """12: without subresources, for the controller writes `daemonsets/status` all the time and changes no DaemonSet."""
    changes: dict[str, Exact] = {"verb": _CHANGES}
    return Question(
        12,
        f"Who changed DaemonSets (add-ons) in {namespace}?",
        _where(
            {"log_type": "audit", "objectRef.resource": "daemonsets", "objectRef.namespace": namespace, **changes},
            _DONE,
            ONCE,
            unless=_exists("objectRef.subresource"),
        ),
        ("@timestamp", "verb", "objectRef.name", *_WHO, "workload.images"),
    )


def why_unschedulable(name: str | None = None, namespace: str | None = None) -> Question:
    """13: `no fit`, or no node at all; of every pod, or of one."""
    return Question(
        13,
        f"Why can {_pods(name, namespace)} not be scheduled?",
        _where(
            {"log_type": "scheduler"},
            *_of_pod(name, namespace),
            {"prefix": {"klog.message.keyword": "Unable to schedule pod; "}},
        ),
        ("@timestamp", "klog.pod", "klog.err"),
    )


def who_entered_pod() -> Question:
    """14: refused attempts too, whatever the verb: by WebSocket it is `get`, by SPDY `create`.

    A kubelet takes the same through its proxy, where the path alone tells.
    """
    through_kubelet: list[Query] = [
        {"wildcard": {"requestURI.keyword": {"value": f"/api/v1/nodes/*/proxy/{way}*", "case_insensitive": True}}}
        for way in ("exec/", "attach/", "run/", "portForward/")
    ]
    into_pod = _where({"objectRef.resource": "pods", "objectRef.subresource": ("exec", "attach", "portforward")})
    return Question(
        14,
        "Who ran exec, attach or port-forward into a pod?",
        _where({"log_type": "audit"}, _any_of(into_pod, *through_kubelet), ONCE),
        ("@timestamp", *_WHO, "objectRef.subresource", "objectRef.namespace", "objectRef.name", "outcome", "stage"),
    )


def who_ran_privileged() -> Question:
    """15: a pod, or what makes pods; refused attempts too.

    An ephemeral container sees the processes of the pod that it is put into, so it needs no other power.
    """
    host = ("privileged", "host_process", "host_network", "host_pid", "host_ipc")
    powers = [
        *(_clause(f"workload.{power}", value=True) for power in host),
        _clause("workload.capabilities_added", _STRONG_CAPABILITIES),
    ]
    put_into_pod = _where(
        {
            "objectRef.resource": "pods",
            "objectRef.subresource": "ephemeralcontainers",
            "verb": ("create", "update", "patch"),
        }
    )
    # A body that was cut off may have had any of it.
    cut_off = _where({"truncated": True, "verb": _GRANTS, "objectRef.resource": _RUNS}, unless=_SUBRESOURCE)
    ran = _where({"log_type": "audit"}, _any_of(*powers, _exists("workload.host_paths"), put_into_pod, cut_off), ONCE)
    return Question(
        15,
        "Who created a privileged pod, a hostPath mount, a host network or PID pod, an ephemeral container?",
        _without_controllers(ran),
        (
            *("@timestamp", "outcome", "dry_run", "actor.username", "actor.session_name"),
            *("workload.kind", "objectRef.namespace", "objectRef.name"),
            *(f"workload.{power}" for power in host),
            *("workload.host_paths", "workload.capabilities_added", "workload.images"),
        ),
        controllers=_of_controllers(ran),
    )


def who_granted_everything() -> Question:
    """16: by a role that holds `*`, or by a binding to cluster-admin, also one that gets a further subject."""
    everything = _any_of(
        _clause("rbac.wildcard", value=True),
        # A body that was cut off may have granted it.
        _where({"truncated": True, "objectRef.resource": _RIGHTS}),
    )
    granted = _where({"log_type": "audit", "verb": _GRANTS}, everything, _DONE, ONCE)
    return Question(
        16,
        "Who granted cluster-admin, or rights to everything (*)?",
        _without_controllers(granted),
        ("@timestamp", *_WHO, "objectRef.resource", "rbac.role_kind", "rbac.role_name", "rbac.subjects"),
        controllers=_of_controllers(granted),
    )


def who_read_secrets() -> Question:
    """17: and was let; for those who were not, ask which requests were denied."""
    read = _where({"log_type": "audit", "objectRef.resource": "secrets", "verb": _READS}, _LET, ONCE)
    return Question(
        17,
        "Who read secrets, and from where?",
        _without_controllers(read),
        (
            *("@timestamp", "verb", "objectRef.namespace", "objectRef.name"),
            *("actor.username", "actor.session_name", "actor.source_ip", "actor.iam_arn"),
        ),
        controllers=_of_controllers(read),
    )


def which_anonymous_requests_were_allowed() -> Question:
    """18: health checks are among them."""
    return Question(
        18,
        "Which anonymous requests were allowed?",
        _where({"log_type": "audit", "actor.kind": "anonymous"}, _LET, ONCE),
        ("@timestamp", "actor.source_ip", "verb", "requestURI", "userAgent"),
    )


def who_calls_deprecated_api() -> Question:
    """19: an API that is deprecated may have no release yet that removes it."""
    return Question(
        19,
        "Which clients still call a deprecated API, and when is it removed?",
        _where({"log_type": "audit", "annotations.k8s.io/deprecated": "true"}, ONCE),
        (
            *("@timestamp", "actor.username", "userAgent", "objectRef.apiGroup", "objectRef.apiVersion"),
            *("objectRef.resource", "annotations.k8s.io/removed-release"),
        ),
    )


def who_is_behind(iam_arn: str | None = None) -> Question:
    """20: the authenticator knows session and access key before it knows the user; the IAM identity is in all records.

    Question 1 finds the IAM identity of a user.
    """
    return Question(
        20,
        f"Which Kubernetes users and IAM sessions are behind {iam_arn or 'each IAM identity'}, and what did they do?",
        _where({"log_type": ("authenticator", "audit"), "actor.iam_arn": iam_arn}, _exists("actor.iam_arn"), ONCE),
        (
            "@timestamp",
            "log_type",
            "actor.iam_arn",
            "actor.username",
            "actor.session_name",
            "actor.access_key_id",
            "message",
        ),
        {
            "users": _values("actor.username"),
            "sessions": _values("actor.session_name"),
            "access_keys": _values("actor.access_key_id"),
            "log_types": _values("log_type"),
        },
    )


def what_makes_the_volume(top: int = 10) -> Question:
    """21: the `top` log types, user agents, resources and verbs by the bytes that CloudWatch Logs delivered."""
    return Question(
        21,
        "What makes the log volume (records and bytes)?",
        {"match_all": {}},
        ("@timestamp", "log_type", "record_bytes"),
        {
            "log_types": _by_volume("log_type", top),
            "user_agents": _by_volume("userAgent.keyword", top),
            "resources": _by_volume("objectRef.resource", top),
            "verbs": _by_volume("verb", top),
        },
    )


def _by_volume(name: str, size: int) -> Query:
    terms = {"field": name, "size": size, "order": {"bytes": "desc"}}
    return {"terms": terms, "aggs": {"bytes": {"sum": {"field": "record_bytes"}}}}


Asking: TypeAlias = Callable[..., Question]

ASKING: tuple[Asking, ...] = (
    which_iam_identity,
    what_did_user,
    which_calls_of_client,
    who_changed_config_map,
    which_requests_were_denied,
    which_node_runs_pod,
    which_calls_failed,
    what_did_cronjob_controller,
    what_did_replicaset_controller,
    who_deleted_pod,
    how_many_calls_per_code,
    who_changed_daemonsets,
    why_unschedulable,
    who_entered_pod,
    who_ran_privileged,
    who_granted_everything,
    who_read_secrets,
    which_anonymous_requests_were_allowed,
    who_calls_deprecated_api,
    who_is_behind,
    what_makes_the_volume,
)
"""The questions in the order of their numbers."""


def slug(asking: Asking) -> str:
    """The name of a question in ids and links, such as `who-deleted-pod`."""
    return asking.__name__.replace("_", "-")


def all_questions() -> tuple[Question, ...]:
    """Every question, with what its parameters are by default."""
    return tuple(asking() for asking in ASKING)
