"""AWS through one session: answers as plain data, refusals as this package's errors."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from eks_logs.errors import (
    Busy,
    NotAllowed,
    NotReachable,
    NotThere,
    NotUsable,
    Rejected,
    RightMissing,
    SetupError,
)

# Each service spells the same refusals in its own way ("Common Errors" in the API reference of each).
_LACKS_RIGHT = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
_UNKNOWN_CALLER = {
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_NOT_THERE = {"404", "NoSuchBucket", "NoSuchEntity", "ResourceNotFound", "ResourceNotFoundException"}
_BUSY = {
    "OperationAbortedException",
    "ResourceConflictException",
    "ResourceInUseException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_NO_CREDENTIALS = (
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
# Where the right has another name than the operation (Service Authorization Reference).
_RIGHTS = {"s3:ListObjectsV2": "s3:ListBucket"}


class AwsApi:
    """Calls of AWS's services; every error that is no bug is a SetupError.

    Args:
        client_of: the client for a service's name, `boto3.Session(…).client`; each is asked for once.
        page_size: how many items to ask for at a time; None leaves it to the service.
    """

    def __init__(self, client_of: Callable[[str], Any], page_size: int | None = None) -> None:
        self._client_of = client_of
        self._clients: dict[str, Any] = {}
        self._page_size = page_size

    def call(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """The answer to one request, such as `call("eks", "describe_cluster", name="prod")`."""
        try:
            answer: dict[str, Any] = getattr(self._client(service), operation)(**parameters)
        except (ClientError, BotoCoreError) as error:
            raise _translated(service, error) from None
        return answer

    def items(self, service: str, operation: str, key: str, **parameters: object) -> Iterator[dict[str, Any]]:
        """The items under a key of every page of answers; no page is asked for before it is needed."""
        try:
            pages = self._client(service).get_paginator(operation)
            for page in pages.paginate(**parameters, PaginationConfig={"PageSize": self._page_size}):
                yield from page.get(key) or []
        except (ClientError, BotoCoreError) as error:
            raise _translated(service, error) from None

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes at run time
        if service not in self._clients:
            self._clients[service] = self._client_of(service)
        return self._clients[service]


def _translated(service: str, error: Exception) -> SetupError:
    if isinstance(error, ClientError):
        return _refusal(service, error)
    if isinstance(error, ParamValidationError):
        return NotUsable(f"a name or number given cannot be one of AWS's service {service} ({error})")
    if isinstance(error, _NO_CREDENTIALS):
        return NotAllowed(f"no AWS credentials or region to use; give --profile and --region ({error})")
    return NotReachable(f"no answer from AWS's service {service}; check --region and this machine's network ({error})")


def _refusal(service: str, error: ClientError) -> SetupError:
    code = error.response["Error"].get("Code", "")
    words = f"AWS said: {' '.join(error.response['Error'].get('Message', '').split())[:300]}"
    action = f"{service}:{error.operation_name}"
    if code in _LACKS_RIGHT:
        return RightMissing(_RIGHTS.get(action, action), words)
    if code in _UNKNOWN_CALLER:
        return NotAllowed(f"AWS does not accept the caller's credentials ({code}); log in again. {words}")
    if code in _NOT_THERE:
        return NotThere(f"{action}: nothing of that name in this account and region. {words}")
    if code in _BUSY:
        return Busy(f"{action} cannot be done at this moment ({code}); run again when that is over. {words}")
    return Rejected(f"{code} at {action}. {words}")
