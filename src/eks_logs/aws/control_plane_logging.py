"""How a cluster's control-plane logs get to the function: what of it is there, what is wanted, what can be changed.

EKS writes the log types that are enabled to the log group /aws/eks/<cluster>/cluster, a subscription filter of that
group sends them to the function, and a statement of the function's policy permits CloudWatch Logs to do so.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from eks_logs.aws.iam import Statement
from eks_logs.errors import NotUsable

FILTER = "eks-control-plane-logs"
# CloudWatch Logs user guide, "CloudWatch Logs quotas": subscription filters for each log group.
MOST_FILTERS = 2
# CloudWatch Logs API reference, PutRetentionPolicy, retentionInDays.
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096),
    *(1827, 2192, 2557, 2922, 3288, 3653),
)
EVERYTHING = ""

# Lambda API reference, AddPermission, StatementId.
_LONGEST_STATEMENT_ID = 100
_FUNCTION_ARN = re.compile(r"arn:(aws[a-z-]*):lambda:([a-z0-9-]+):(\d{12}):function:[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class LogGroup:
    """A log group; `retention_days` is None where its records never expire."""

    name: str
    retention_days: int | None


@dataclass(frozen=True, slots=True)
class SubscriptionFilter:
    """A subscription filter of a log group; an empty pattern is every record."""

    name: str
    pattern: str
    destination_arn: str

    def sends_to(self, function_arn: str) -> bool:
        """Whether it sends to the function, or to a version or alias of it."""
        return self.destination_arn == function_arn or self.destination_arn.startswith(f"{function_arn}:")


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function: `state` and `last_update` as Lambda spells them (Active, Successful), and its variables."""

    state: str
    last_update: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Subscription:
    """What sends records to the function: the log group's filters and the statements of the function's policy."""

    filters: tuple[SubscriptionFilter, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class FoundLogging:
    """What AWS holds; None for a cluster, log group or function that is not there."""

    log_types: frozenset[str] | None
    log_group: LogGroup | None
    function: Function | None
    subscription: Subscription


@dataclass(frozen=True, slots=True)
class WantedLogging:
    """All five log types of a cluster in a function.

    Attributes:
        cluster: the EKS cluster's name.
        function_arn: the function's ARN, without version or alias.
        retention_days: how long CloudWatch Logs keeps the cluster's records; None leaves that as it is.

    Raises:
        NotUsable: no function's ARN, or a retention that CloudWatch Logs does not offer.
    """

    cluster: str
    function_arn: str
    retention_days: int | None = None

    def __post_init__(self) -> None:
        """Refuse what AWS would refuse half-way."""
        if not _FUNCTION_ARN.fullmatch(self.function_arn):
            raise NotUsable(
                f"{self.function_arn!r} is not the ARN of a function without version or alias; it is the stack's "
                "output FunctionArn"
            )
        if self.retention_days is not None and self.retention_days not in RETENTION_DAYS:
            days = ", ".join(map(str, RETENTION_DAYS))
            raise NotUsable(f"{self.retention_days} days of retention are not on offer; CloudWatch Logs has {days}")

    @property
    def log_group(self) -> str:
        """The log group's name (Amazon EKS User Guide, "Send control plane logs to CloudWatch Logs")."""
        return f"/aws/eks/{self.cluster}/cluster"

    @property
    def region(self) -> str:
        """The function's region, which is also the log group's."""
        return self.function_arn.split(":")[3]

    @property
    def source_arn(self) -> str:
        """For what CloudWatch Logs invokes the function: the log group's ARN with `:*` behind it."""
        _, partition, _, region, account, *_ = self.function_arn.split(":")
        return f"arn:{partition}:logs:{region}:{account}:log-group:{self.log_group}:*"

    @property
    def statement_id(self) -> str:
        """Our statement in the function's policy; each cluster has its own, since several may send to one function."""
        name = f"{FILTER}-{self.cluster}"
        if len(name) <= _LONGEST_STATEMENT_ID:
            return name
        return f"{name[: _LONGEST_STATEMENT_ID - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class EnableLogTypes:
    """EKS is to write these log types too; those that are not named stay as they are."""

    cluster: str
    log_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AwaitLogGroup:
    """Nothing to change: EKS makes the log group with the first records."""

    log_group: str


@dataclass(frozen=True, slots=True)
class SetRetention:
    """CloudWatch Logs is to keep a log group's records for so many days."""

    log_group: str
    days: int


@dataclass(frozen=True, slots=True)
class Permit:
    """CloudWatch Logs may invoke the function for a log group; `replaces` a statement of that id."""

    function_arn: str
    statement_id: str
    source_arn: str
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Forbid:
    """The statement goes."""

    function_arn: str
    statement_id: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A log group gets a subscription filter, or the one of that name is changed."""

    log_group: str
    filter: SubscriptionFilter


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The subscription filter goes."""

    log_group: str
    filter_name: str


Change = EnableLogTypes | AwaitLogGroup | SetRetention | Permit | Forbid | Subscribe | Unsubscribe


@dataclass(frozen=True, slots=True)
class LoggingStep:
    """One change, what it is called, and how what is wanted differs from what is there."""

    title: str
    change: Change
    diff: tuple[str, ...] = ()
