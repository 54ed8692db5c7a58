"""What can keep eks-logs from its work.

```
SetupError
├── NotReachable       no answer from the endpoint, or no trusted TLS connection
├── NotAllowed         the endpoint refuses the caller (401, 403), or AWS its credentials
│   └── RightMissing   AWS knows the caller, who lacks one right
├── NotOpenSearch      what answers is a page to sign in, a proxy's, Dashboards, or nothing known
├── NotProvided        the server lacks what a step needs (no security plugin, OpenSearch Serverless)
├── ReservedResource   a name of ours is taken by a resource that cannot be changed
├── NotAnswerable      there is no index to ask
├── BucketNotUsable    S3 refuses to list, read, copy or delete, or does not answer
├── UnreadableObject   an object of the bucket is neither dead letters nor a failed event, or is broken
├── DuplicatesUnknown  OpenSearch cannot say whether a record is stored already
├── NotUsable          what was named cannot be worked with: no function's ARN, a stack that failed
├── NotThere           nothing of that name: cluster, function, stack, or resource in OpenSearch
├── Busy               AWS is changing the resource at this moment, or asks to come later
├── TooManyFilters     the log group has no room for one more subscription filter
├── UpdateFailed       EKS could not change the cluster
├── TookTooLong        what was waited for did not come
└── Rejected           any other answer that is no success
    ├── Conflict       somebody else changed the same thing at the same time
    └── Overloaded     the server has no room now
```

Each message is one line that says what was wrong and what to do.
"""


class SetupError(Exception):
    """The root of this tree."""


class NotReachable(SetupError):
    """No answer."""


class NotAllowed(SetupError):
    """The caller was refused."""


class NotProvided(SetupError):
    """The server has no such API."""


class ReservedResource(SetupError):
    """A resource of that name exists and cannot be changed."""


class Rejected(SetupError):
    """The server answered with another error."""


class NotAnswerable(SetupError):
    """What was asked has no answer."""


class Conflict(Rejected):
    """Somebody else changed it at the same time."""


class Overloaded(Rejected):
    """The server has no room at this moment."""


class NotOpenSearch(SetupError):
    """Something else than OpenSearch answered."""


class BucketNotUsable(SetupError):
    """S3 did not do what was asked."""


class UnreadableObject(SetupError):
    """An object holds nothing that could be sent again."""


class DuplicatesUnknown(SetupError):
    """Whether a record is stored already cannot be told of one index."""


class RightMissing(NotAllowed):
    """The caller lacks a right in AWS; `right` is its name in IAM, such as `eks:DescribeCluster`."""

    def __init__(self, right: str, words: str) -> None:
        super().__init__(f"the caller lacks the right {right}; have it granted, or name another --profile. {words}")
        self.right = right


class NotUsable(SetupError):
    """What was named cannot be worked with."""


class NotThere(SetupError):
    """There is nothing of that name."""


class Busy(SetupError):
    """AWS cannot do it at this moment."""


class TooManyFilters(SetupError):
    """The log group has as many subscription filters of others as it may have."""


class UpdateFailed(SetupError):
    """EKS gave up changing the cluster."""


class TookTooLong(SetupError):
    """What was waited for did not come in time."""
