"""What a command is to bring about in OpenSearch: for which index and which role, and what the operator chose."""

from dataclasses import dataclass
from datetime import date

from eks_logs.errors import NotUsable
from eks_logs.opensearch.server import Server
from forwarder.index_names import DAILY, NONE, Index

INDEX = "eks-control-plane-logs"
ROLE = "eks-control-plane-logs-writer"
ROTATION = DAILY


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for.

    Attributes:
        index: The stack's IndexName.
        iam_role_arn: The function's role, which gets the rights.
        server: What answers; None where it does not say what it is.
        cluster: The EKS cluster whose records they are; None where nobody said.
        rotation: One of forwarder.index_names.ROTATIONS, as the stack has it.
        retention_days: Delete indices whose records are older; None leaves that as it is.
        priority: Of the index template; None keeps what it has, as do the next two.
        shards: Primary shards of an index.
        replicas: Further copies of each shard.
        change_shared: Whether the operator allows to change what others use, too.

    Raises:
        NotUsable: retention is asked for, and the index is not rotated.
    """

    index: str
    iam_role_arn: str
    server: Server | None = None
    cluster: str | None = None
    rotation: str = ROTATION
    retention_days: int | None = None
    priority: int | None = None
    shards: int | None = None
    replicas: int | None = None
    change_shared: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.retention_days is not None and self.rotation == NONE:
            raise NotUsable(
                "--retention-days needs an index for each day, week or month, because ISM deletes whole indices: "
                "deploy the stack with IndexRotation daily, weekly or monthly, and say the same with --rotation"
            )

    @property
    def is_serverless(self) -> bool:
        """Whether the server has neither security API nor ISM."""
        return self.server is not None and self.server.is_serverless

    @property
    def pattern(self) -> str:
        """Which indices role and template are for.

        It is the same for all names that begin with INDEX: several stacks of one domain share role and template.
        """
        return f"{INDEX if self.index.startswith(INDEX) else self.index}*"

    @property
    def dated(self) -> str:
        """The pattern of the dated indices, of this century, and of no others."""
        return f"{self.index}-2*"

    @property
    def written(self) -> str:
        """Name or pattern of what the function writes to."""
        return self.index if self.rotation == NONE else self.dated

    def written_on(self, day: date) -> str:
        """The index that the records of a day (UTC) go to."""
        return Index(self.index, self.rotation).of(day.isoformat())
