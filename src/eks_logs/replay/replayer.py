"""Sending again what the bucket holds, one object at a time; only what OpenSearch has confirmed leaves the bucket.

Documents go the function's own way, under their own ids: what is there already is confirmed, and not stored twice.
"""

from dataclasses import dataclass
from enum import Enum

from eks_logs.errors import NotAllowed, NotReachable, UnreadableObject
from eks_logs.replay.bucket import KeptBucket
from eks_logs.replay.contents import Contents, KeptObject, Kind, contents_of
from forwarder.bulk import BulkClient, Limits
from forwarder.delivery import Sender, failure_of, shortfall
from forwarder.errors import AccessRefused, Unreachable
from forwarder.index_names import Index
from forwarder.outcomes import Delivery, Outcome, Verdict, request_verdict
from forwarder.pace import patience_for

_LIMITS = Limits(request_bytes=2_000_000, in_flight=2, answer_seconds=60)
_MILLISECONDS_FOR_AN_OBJECT = 10 * 60 * 1000

# A bulk request without an action: OpenSearch answers 400, "no requests added", to whoever may come in.
_NO_ACTION = b"\n"
_REFUSES_NO_ACTION = 400
_FIRST_NON_SUCCESS = 300

_ADVICE_ACCESS = (
    "Give a caller that may POST to /_bulk and create documents in the index: OPENSEARCH_USERNAME and "
    "OPENSEARCH_PASSWORD, or --profile and --region of an IAM role that OpenSearch maps; for a time-series collection "
    "of OpenSearch Serverless, which refuses ids, add --document-ids generated"
)
_ADVICE_NETWORK = "Check --endpoint, --ca-file, and that this machine can reach it"


class Fate(Enum):
    """What became of an object."""

    DELETED = "deleted"
    MOVED = "moved"
    LEFT = "left"
    GONE = "gone"
    """Somebody else took it away since the bucket was listed."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an object and of its documents; why, where it is left."""

    kept: KeptObject
    fate: Fate
    stored: int = 0
    duplicate: int = 0
    refused: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many objects left the bucket or stay in it, and what became of their documents."""

    removed: int = 0
    left: int = 0
    stored: int = 0
    duplicate: int = 0
    refused: int = 0

    def plus(self, result: Result) -> "Tally":
        """The tally with one more object."""
        return Tally(
            self.removed + (result.fate in (Fate.DELETED, Fate.MOVED)),
            self.left + (result.fate is Fate.LEFT),
            self.stored + result.stored,
            self.duplicate + result.duplicate,
            self.refused + result.refused,
        )


@dataclass(frozen=True, slots=True)
class ObjectReader:
    """Reads the bucket's objects.

    Attributes:
        bucket: where they are.
        index: where the documents of events go.
        longest: how many bytes an object may inflate to.
    """

    bucket: KeptBucket
    index: Index
    longest: int

    def contents(self, kept: KeptObject) -> Contents | None:
        """What an object holds; None where it is gone.

        Raises:
            UnreadableObject: nothing that could be sent again.
            BucketNotUsable: S3 did not hand it out.
        """
        body = b"" if kept.kind is Kind.FOREIGN else self.bucket.read(kept.key)
        return None if body is None else contents_of(kept, body, self.index, self.longest)


def check_reachable(client: BulkClient) -> None:
    """Ask for nothing, to know before the first object that OpenSearch answers; a broken way to it is retried later.

    Raises:
        NotReachable: nobody answers, or somebody else than OpenSearch.
        NotAllowed: the caller is refused.
    """
    answer = client.bulk(_NO_ACTION, _LIMITS.answer_seconds)
    verdict, reason = request_verdict(answer)
    if answer.status is None or answer.status < _FIRST_NON_SUCCESS:
        raise NotReachable(f"{reason}. {_ADVICE_NETWORK}")
    if verdict is Verdict.SETUP and answer.status != _REFUSES_NO_ACTION:
        raise NotAllowed(f"OpenSearch answers {answer.status}: {reason}. {_ADVICE_ACCESS}")


class Replay:
    """Replays objects.

    Args:
        reader: reads them.
        client: sends bulk requests.
        keep: whether they are moved, not deleted, once OpenSearch has all of their documents.
    """

    def __init__(self, reader: ObjectReader, client: BulkClient, *, keep: bool) -> None:
        self._reader = reader
        self._client = client
        self._keep = keep

    def replay(self, kept: KeptObject) -> Result:
        """Send an object's documents and remove the object, if every one of them is stored.

        Raises:
            NotAllowed: OpenSearch refuses the caller or the target; the next object would fare no better.
            NotReachable: OpenSearch does not answer.
            BucketNotUsable: S3 did not hand out or remove the object.
        """
        try:
            contents = self._reader.contents(kept)
        except UnreadableObject as error:
            return Result(kept, Fate.LEFT, reason=str(error))
        if contents is None:
            return Result(kept, Fate.GONE)
        delivery = self._deliver(contents)
        fate = Fate.LEFT if delivery.unstored else self._remove(kept)
        return _result(kept, fate, delivery)

    def _deliver(self, contents: Contents) -> Delivery:
        patience = patience_for(_MILLISECONDS_FOR_AN_OBJECT)
        outcomes: list[Outcome] = []
        for shipment in contents.shipments:
            delivery = Sender(self._client, shipment.index, _LIMITS, patience).deliver(shipment.documents)
            _raise_where_hopeless(delivery)
            outcomes += delivery.outcomes
        return Delivery(tuple(outcomes), sent_bytes=0)

    def _remove(self, kept: KeptObject) -> Fate:
        if self._keep:
            self._reader.bucket.move(kept.key)
            return Fate.MOVED
        self._reader.bucket.delete(kept.key)
        return Fate.DELETED


def _raise_where_hopeless(delivery: Delivery) -> None:
    match failure_of(delivery):
        case AccessRefused():
            raise NotAllowed(f"{shortfall(delivery)}. {_ADVICE_ACCESS}")
        case Unreachable():
            raise NotReachable(f"{shortfall(delivery)}. {_ADVICE_NETWORK}")


def _result(kept: KeptObject, fate: Fate, delivery: Delivery) -> Result:
    return Result(
        kept,
        fate,
        stored=delivery.count(Verdict.STORED),
        duplicate=delivery.count(Verdict.DUPLICATE),
        refused=len(delivery.unstored),
        reason=shortfall(delivery) if delivery.unstored else "",
    )
