"""What is kept from batch to batch, and that it stays small."""

from forwarder.formats.audit.cache import MOST_BYTES, Repetitions


def test_what_was_kept_is_found() -> None:
    kept = Repetitions[str, int]()
    assert kept.keep("a", 1, 10) == 1
    assert kept["a"] == 1
    assert kept.get("b") is None


def test_it_never_holds_more_than_its_room() -> None:
    kept = Repetitions[int, int]()
    for number in range(100):
        kept.keep(number, number, MOST_BYTES // 10)
        assert number in kept
        assert len(kept) <= 10


def test_what_is_larger_than_its_room_is_kept_alone() -> None:
    kept = Repetitions[str, int]()
    kept.keep("small", 1, 10)
    kept.keep("large", 2, MOST_BYTES + 1)
    assert dict(kept) == {"large": 2}
    kept.keep("next", 3, 10)
    assert dict(kept) == {"next": 3}
