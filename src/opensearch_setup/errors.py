"""What can keep the setup script from its work.

```
SetupError
├── NotReachable       no answer from the endpoint, or no trusted TLS connection
├── NotAllowed         the endpoint refuses the caller (401, 403)
├── NotProvided        the server lacks what a step needs (no security plugin, OpenSearch Serverless)
├── ReservedResource   a name of ours is taken by a resource that cannot be changed
├── Rejected           any other answer that is no success
├── NotAnswerable      no such question, nothing of that kind to choose in it, or no index to ask
├── BucketNotUsable    S3 refuses to list, read, copy or delete, or does not answer
└── UnreadableObject   an object of the bucket is neither dead letters nor a failed event, or is broken
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


class BucketNotUsable(SetupError):
    """S3 did not do what was asked."""


class UnreadableObject(SetupError):
    """An object holds nothing that could be sent again."""
