"""What records say again and again: worked out once, and kept from batch to batch while there is room."""

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

# The users, results and reasons of a large cluster; what is made of them takes some ten times as much.
MOST_BYTES = 500_000


class Repetitions(dict[Key, Value]):
    """What was worked out, by what it was worked out from; when MOST_BYTES of that are there, it begins anew."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = 0

    def keep(self, key: Key, value: Value, size: int) -> Value:
        """Keep a value, which is returned; `size` is how many bytes it was worked out from."""
        self._bytes += size
        if self._bytes > MOST_BYTES:
            self.clear()
            self._bytes = size
        self[key] = value
        return value
