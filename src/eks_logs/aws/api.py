"""AWS through one session: answers as plain data, refusals as this package's errors."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    CredentialRetrievalError,
    InvalidRegionError,
    LoginError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from eks_logs.aws.calls import AwsCall
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
    "NotAuthorized",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnauthorizedException",
    "UnrecognizedClientException",
}
# What a region answers, too, that the account has not enabled (AWS Account Management reference, "Enable or disable AWS
# Regions").
_OR_REGION_IS_OFF = {"InvalidClientTokenId", "UnrecognizedClientException"}
_NOT_THERE = {"404", "NoSuchBucket", "NoSuchEntity", "ResourceNotFound", "ResourceNotFoundException"}
_BUSY = {
    "OperationAbortedException",
    "ResourceConflictException",
    "ResourceInUseException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
# What botocore raises over a body that is none of the service's: it takes AWS's answers for well-formed.
_UNREADABLE = (ResponseParserError, AttributeError, KeyError, TypeError, ValueError)
# Where the right has another name than the operation (Service Authorization Reference).
_RIGHTS = {"s3:ListObjectsV2": "s3:ListBucket"}
# What credentials are got with before a request to any service can be signed.
_CREDENTIALS = {
    "AssumeRole": "sts",
    "AssumeRoleWithSAML": "sts",
    "AssumeRoleWithWebIdentity": "sts",
    "GetRoleCredentials": "sso",
}


class AwsApi:
    """Calls of AWS's services; every error that is no bug is a SetupError.

    Args:
        client_of: the client for a service's name, `boto3.Session(…).client`; each is asked for once.
        page_size: how many items to ask for at a time; None leaves it to the service.
        profile: AWS's profile of these clients, for what to type.
    """

    def __init__(
        self, client_of: Callable[[str], BaseClient], page_size: int | None = None, profile: str | None = None
    ) -> None:
        self._client_of = client_of
        self._clients: dict[str, BaseClient] = {}
        self._page_size = page_size
        self.profile = profile

    def send(self, call: AwsCall) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            SetupError: AWS refuses it, or what answers is not AWS.
        """
        return self.call(call.service, call.method, **call.parameters)

    def call(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """The answer to one request, such as `call("eks", "describe_cluster", name="prod")`."""
        method = getattr(self._client(service), operation)
        try:
            return _of_aws(service, method(**parameters))
        except (ClientError, BotoCoreError, *_UNREADABLE) as error:
            raise translated(service, error, self.profile) from None

    def items(self, service: str, operation: str, key: str, **parameters: object) -> Iterator[Any]:
        """The items under a key of every page of answers; no page is asked for before it is needed."""
        paginator = self._client(service).get_paginator(operation)
        pages = iter(paginator.paginate(**parameters, PaginationConfig={"PageSize": self._page_size}))
        while True:
            try:
                page = _of_aws(service, next(pages))
            except StopIteration:
                return
            except (ClientError, BotoCoreError, *_UNREADABLE) as error:
                raise translated(service, error, self.profile) from None
            yield from page.get(key) or []

    def _client(self, service: str) -> BaseClient:
        if service not in self._clients:
            try:
                self._clients[service] = self._client_of(service)
            except BotoCoreError as error:
                raise translated(service, error, self.profile) from None
            except ValueError as error:
                raise NotUsable(f"AWS's service {service} cannot be asked: {error}; check AWS_ENDPOINT_URL") from None
        return self._clients[service]


def guarded(client: BaseClient) -> BaseClient:
    """A client of boto3 that raises NotReachable for what is not AWS's answer, for those who call it themselves."""

    def check(parsed: dict[str, Any], **_: object) -> None:
        _of_aws(client.meta.service_model.service_name, parsed)

    client.meta.events.register("after-call", check)
    return client


def _of_aws(service: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, if it is AWS's: each of AWS's answers says the request's id, and no proxy's page does."""
    metadata = answer["ResponseMetadata"]
    if not metadata.get("RequestId"):
        raise _not_of_aws(service, metadata)
    return answer


def _not_of_aws(service: str, metadata: Mapping[str, Any]) -> NotReachable:
    status = metadata.get("HTTPStatusCode")
    return NotReachable(
        f"what answers for AWS's service {service} is not AWS{f' (status {status})' if status else ''}, but a proxy's "
        "or a sign-in page: check HTTPS_PROXY and NO_PROXY, AWS_ENDPOINT_URL and this machine's network"
    )


# What botocore raises before AWS answers, the first that fits; {login} and {said} are filled in.
_TRANSLATIONS: tuple[tuple[tuple[type[Exception], ...], type[SetupError], str], ...] = (
    (
        (ParamValidationError,),
        NotUsable,
        "a name or number given cannot be one of AWS's service {service} ({said})",
    ),
    (
        (SSOError, TokenRetrievalError, LoginError, NoAuthTokenError),
        NotAllowed,
        "the login to AWS has expired or is missing; log in: {login} ({said})",
    ),
    (
        (ProfileNotFound, ConfigParseError),
        NotAllowed,
        "no AWS credentials: {said}; check --profile and ~/.aws/config",
    ),
    (
        (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError),
        NotAllowed,
        "no AWS credentials to use; give --profile, or log in: {login} ({said})",
    ),
    (
        (NoRegionError, InvalidRegionError),
        NotAllowed,
        "no AWS region to use; give --region ({said})",
    ),
    (
        (ProxyConnectionError,),
        NotReachable,
        "the proxy to AWS does not answer; check HTTPS_PROXY and NO_PROXY ({said})",
    ),
    (
        (SSLError,),
        NotReachable,
        "no trusted certificate of AWS's service {service}; name your proxy's authority in AWS_CA_BUNDLE ({said})",
    ),
    (
        (BotoCoreError,),
        NotReachable,
        "no answer from AWS's service {service}; check --region and this machine's network ({said})",
    ),
)


def translated(service: str, error: Exception, profile: str | None = None) -> SetupError:
    """What botocore raised, as an error that says what to do."""
    if isinstance(error, ClientError):
        return _refusal(service, error, profile)
    for kinds, translation, words in _TRANSLATIONS:
        if isinstance(error, kinds):
            said = " ".join(str(error).split())[:300]
            return translation(words.format(service=service, login=_login(profile), said=said))
    return _not_of_aws(service, {})


def _refusal(service: str, error: ClientError, profile: str | None) -> SetupError:
    refused = error.response.get("Error") or {}
    code = refused.get("Code") or ""
    metadata = error.response.get("ResponseMetadata") or {}
    if not metadata.get("RequestId"):
        return _not_of_aws(service, metadata)
    words = f"AWS said: {' '.join((refused.get('Message') or '').split())[:300]}"
    action = f"{_CREDENTIALS.get(error.operation_name, service)}:{error.operation_name}"
    if code in _LACKS_RIGHT:
        return RightMissing(_RIGHTS.get(action, action), words)
    if code in _UNKNOWN_CALLER:
        region = ", and see that the region is enabled for the account" if code in _OR_REGION_IS_OFF else ""
        renewal = f"renew them, as by {_login(profile)}{region}"
        return NotAllowed(f"AWS does not accept the caller's credentials ({code}): {renewal}. {words}")
    if code in _NOT_THERE:
        return NotThere(f"{action}: nothing of that name in this account and region. {words}")
    if code in _BUSY:
        return Busy(f"{action} cannot be done at this moment ({code}); run again when that is over. {words}")
    return Rejected(f"{code} at {action}. {words}")


def _login(profile: str | None) -> str:
    return f"aws sso login{f' --profile {profile}' if profile else ''}"
