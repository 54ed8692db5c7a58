import pytest

from forwarder.pipeline import documents_of
from forwarder.sources import EKS_LOG_TYPES, UNKNOWN
from forwarder.subscription import LogBatch, LogEvent
from tests.golden_pairs import LOG_GROUP, OWNER, REGION, Pair, pairs

PAIRS = pairs()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)
def test_a_record_becomes_its_document(pair: Pair) -> None:
    event = LogEvent(pair.name, pair.timestamp, pair.record)
    (document,) = documents_of(LogBatch(OWNER, LOG_GROUP, pair.log_stream, (event,)), region=REGION)
    assert document.source == pair.document


def test_every_log_type_has_a_pair() -> None:
    assert {pair.document["log_type"] for pair in PAIRS} == {*EKS_LOG_TYPES, UNKNOWN}
