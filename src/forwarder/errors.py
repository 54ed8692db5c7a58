"""Every error the function raises of its own accord.

```
ForwarderError
├── SettingsError             the function's environment is not usable: fix it and deploy again
├── PayloadError              what invoked the function is not a batch of log events
│   ├── NotASubscription      no `awslogs.data`: another kind of trigger
│   ├── UndecodablePayload    not base64, not gzip or zlib, cut off, or not JSON
│   ├── PayloadTooLarge       inflates beyond the bound that the settings allow
│   └── MalformedBatch        JSON, but not the shape CloudWatch Logs documents
└── DeliveryError             some documents are not known to be stored: Lambda keeps the event and retries
    ├── AccessRefused         identity, rights, target or endpoint are wrong: nothing gets better by itself
    ├── Unreachable           no answer: refused, reset or timed out
    ├── NotStored             answered, but at least one document was not stored
    └── DeadLettersNotWritten S3 did not take what OpenSearch refuses
```

Raising is how an asynchronous Lambda function keeps an event: Lambda retries it twice and then hands it to the
on-failure destination (AWS Lambda Developer Guide, "Asynchronous invocation"). Messages name what was wrong and what
to do; none holds the body of a record.
"""


class ForwarderError(Exception):
    """The root of this tree."""


class SettingsError(ForwarderError):
    """The environment is not usable; the message lists every problem together."""


class PayloadError(ForwarderError):
    """The event that invoked the function cannot be read; nothing was sent."""


class NotASubscription(PayloadError):
    """The event has no `awslogs.data`."""


class UndecodablePayload(PayloadError):
    """`awslogs.data` is not base64 of gzip or zlib of JSON."""


class PayloadTooLarge(PayloadError):
    """`awslogs.data` inflates beyond MAX_PAYLOAD_BYTES."""


class MalformedBatch(PayloadError):
    """The decoded JSON is not a CloudWatch Logs subscription message."""


class DeliveryError(ForwarderError):
    """At least one document is not known to be stored."""


class AccessRefused(DeliveryError):
    """OpenSearch refused the function's identity or the request's target."""


class Unreachable(DeliveryError):
    """OpenSearch did not answer."""


class NotStored(DeliveryError):
    """OpenSearch answered and did not store every document."""


class DeadLettersNotWritten(DeliveryError):
    """Refused documents could not be kept in S3."""
