"""Lambda's part in an asynchronous invocation: three attempts, and then the event is kept in S3.

Source: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation" and "Capturing
records of Lambda asynchronous invocations". Lambda waits a minute before the second attempt and two before the third;
here they follow at once.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.lambda_runtime import Invocation, LambdaFunction

ATTEMPTS = 3

_ACCOUNT = "111122223333"


@dataclass(frozen=True)
class OnFailure:
    """What Lambda puts into the bucket that is the function's on-failure destination."""

    key: str
    content: Mapping[str, Any]


def invoke_until_done(invoke: Callable[[bytes], Invocation], event: bytes) -> list[Invocation]:
    """Invoke a function until it succeeds, three times at most.

    Returns:
        Every attempt; where the last one failed, Lambda gives the event up.
    """
    attempts = [invoke(event)]
    while attempts[-1].error is not None and len(attempts) < ATTEMPTS:
        attempts.append(invoke(event))
    return attempts


def on_failure(function: LambdaFunction, event: bytes, error: Mapping[str, Any], now: datetime) -> OnFailure:
    """The record of an event that Lambda gives up.

    Args:
        function: That failed.
        event: What it was invoked with, in JSON.
        error: What it answered at last, with `errorType` and `errorMessage`.
        now: The time, with its zone.
    """
    time = now.astimezone(UTC)
    return OnFailure(
        f"aws/lambda/async/{function.name}/{time:%Y/%m/%d}/{time:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}",
        {
            "version": "1.0",
            "timestamp": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": f"arn:aws:lambda:{function.region}:{_ACCOUNT}:function:{function.name}:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": ATTEMPTS,
            },
            "requestPayload": json.loads(event),
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": {name: error[name] for name in ("errorMessage", "errorType")},
        },
    )
