"""The EKS control plane as CloudWatch Logs names it: log streams, log types, clusters.

Stream names: AWS, "Send control plane logs to CloudWatch Logs" (Amazon EKS User Guide); the log types are spelled as
the EKS API spells them (`aws eks update-cluster-config --logging`).
"""

import re
from dataclasses import dataclass

API = "api"
AUDIT = "audit"
AUTHENTICATOR = "authenticator"
CONTROLLER_MANAGER = "controllerManager"
SCHEDULER = "scheduler"
UNKNOWN = "unknown"

LOG_TYPES = (API, AUDIT, AUTHENTICATOR, CONTROLLER_MANAGER, SCHEDULER)

_CLUSTER_LOG_GROUP = re.compile(r"/aws/eks/(?P<cluster>.+)/cluster")


@dataclass(frozen=True, slots=True)
class LogStream:
    """What a log stream's name tells: its log type and the component that writes it."""

    log_type: str
    component: str


# Audit stands before api: the name of its stream begins with the other's.
_STREAMS = (
    ("kube-apiserver-audit-", LogStream(AUDIT, "kube-apiserver")),
    ("kube-apiserver-", LogStream(API, "kube-apiserver")),
    ("authenticator-", LogStream(AUTHENTICATOR, "aws-iam-authenticator")),
    ("kube-controller-manager-", LogStream(CONTROLLER_MANAGER, "kube-controller-manager")),
    ("cloud-controller-manager-", LogStream(CONTROLLER_MANAGER, "cloud-controller-manager")),
    ("kube-scheduler-", LogStream(SCHEDULER, "kube-scheduler")),
)


def classify(log_stream: str) -> LogStream:
    """The log type and component of a stream by its prefix; both `unknown` for any other stream."""
    for prefix, stream in _STREAMS:
        if log_stream.startswith(prefix):
            return stream
    return LogStream(UNKNOWN, UNKNOWN)


def cluster_of(log_group: str) -> str | None:
    """The EKS cluster whose log group this is; None for a group that is not EKS's."""
    match = _CLUSTER_LOG_GROUP.fullmatch(log_group)
    return match["cluster"] if match else None
