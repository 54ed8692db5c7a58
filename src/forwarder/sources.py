"""Where records come from, by the names that CloudWatch Logs gives: the log group first, then the log stream.

Stream names: AWS, "Send control plane logs to CloudWatch Logs" (Amazon EKS User Guide).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

API = "api"
AUDIT = "audit"
AUTHENTICATOR = "authenticator"
CONTROLLER_MANAGER = "controllerManager"
SCHEDULER = "scheduler"
UNKNOWN = "unknown"

EKS_LOG_TYPES = (API, AUDIT, AUTHENTICATOR, CONTROLLER_MANAGER, SCHEDULER)
"""What can be turned on for a cluster, spelled as the EKS API does (`aws eks update-cluster-config --logging`)."""


@dataclass(frozen=True, slots=True)
class LogSource:
    """What the names of a log group and of a log stream tell.

    Attributes:
        log_type: which format the records have, one of EKS_LOG_TYPES or `unknown`; documents have it as a field.
        component: which program writes them, or `unknown`.
        cluster: of which EKS cluster; None where the log group is not one of EKS's.
    """

    log_type: str
    component: str
    cluster: str | None


def source_of(log_group: str, log_stream: str) -> LogSource:
    """Where the records of a log stream come from.

    Control-plane streams are known by their own names, too: people copy them into log groups of other names.
    """
    for pattern, read_stream in _LOG_GROUPS:
        if match := pattern.fullmatch(log_group):
            return LogSource(*read_stream(log_stream), match["cluster"])
    return LogSource(*control_plane_stream(log_stream), None)


def control_plane_stream(name: str) -> tuple[str, str]:
    """The log type and the component of a stream of a cluster's control plane; both `unknown` for any other."""
    for prefix, *known in _CONTROL_PLANE_STREAMS:
        if name.startswith(prefix):
            return known[0], known[1]
    return UNKNOWN, UNKNOWN


# Audit stands before api: the name of its stream begins with the other's.
_CONTROL_PLANE_STREAMS = (
    ("kube-apiserver-audit-", AUDIT, "kube-apiserver"),
    ("kube-apiserver-", API, "kube-apiserver"),
    ("authenticator-", AUTHENTICATOR, "aws-iam-authenticator"),
    ("kube-controller-manager-", CONTROLLER_MANAGER, "kube-controller-manager"),
    ("cloud-controller-manager-", CONTROLLER_MANAGER, "cloud-controller-manager"),
    ("kube-scheduler-", SCHEDULER, "kube-scheduler"),
)

# A kind of log group: its name, with the cluster in it, and what a stream's name tells there.
_LOG_GROUPS: tuple[tuple[re.Pattern[str], Callable[[str], tuple[str, str]]], ...] = (
    (re.compile(r"/aws/eks/(?P<cluster>.+)/cluster"), control_plane_stream),
)
