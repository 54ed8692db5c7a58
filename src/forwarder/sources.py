"""Where records come from, by the names that CloudWatch Logs gives: the log group first, then the log stream.

Stream names: AWS, "Send control plane logs to CloudWatch Logs" (Amazon EKS User Guide).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

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
        log_type: what kind of records they are, as a stream's line says, or `unknown`; documents have it as a field.
        component: which program writes them, or `unknown`.
        cluster: of which EKS cluster; None where the log group is not one of EKS's.
    """

    log_type: str
    component: str
    cluster: str | None


class Stream(NamedTuple):
    """What the log streams of a name are; which format a log type has is in `forwarder.formats`.

    Attributes:
        prefix: how their names begin.
        log_type: of their records.
        component: which program writes them.
    """

    prefix: str
    log_type: str
    component: str


# Where one name begins with another the longer stands first, as audit before api.
_CONTROL_PLANE = (
    Stream("kube-apiserver-audit-", AUDIT, "kube-apiserver"),
    Stream("kube-apiserver-", API, "kube-apiserver"),
    Stream("authenticator-", AUTHENTICATOR, "aws-iam-authenticator"),
    Stream("kube-controller-manager-", CONTROLLER_MANAGER, "kube-controller-manager"),
    Stream("cloud-controller-manager-", CONTROLLER_MANAGER, "cloud-controller-manager"),
    Stream("kube-scheduler-", SCHEDULER, "kube-scheduler"),
)

LOG_GROUPS = ((re.compile(r"/aws/eks/(?P<cluster>.+)/cluster"), _CONTROL_PLANE),)
"""The kinds of log groups: the name of each, with the cluster in it, and its streams."""


def source_of(log_group: str, log_stream: str) -> LogSource:
    """Where the records of a log stream come from.

    Control-plane streams are known by their own names, too: people copy them into log groups of other names.
    """
    for pattern, streams in LOG_GROUPS:
        if match := pattern.fullmatch(log_group):
            return LogSource(*_known(log_stream, streams), match["cluster"])
    return LogSource(*control_plane_stream(log_stream), None)


def control_plane_stream(name: str) -> tuple[str, str]:
    """The log type and the component of a stream of a cluster's control plane; both `unknown` for any other."""
    return _known(name, _CONTROL_PLANE)


def _known(name: str, streams: Iterable[Stream]) -> tuple[str, str]:
    known = ((stream.log_type, stream.component) for stream in streams if name.startswith(stream.prefix))
    return next(known, (UNKNOWN, UNKNOWN))
