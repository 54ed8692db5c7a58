"""How long an invocation may go on sending, and how it slows down while the server pushes back."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 20.0
# What an invocation needs behind its sending: to put dead letters into S3, and then to report and to raise.
_RESERVE = 3.0
_REPORT = 1.0
_LONGEST_FOR_DEAD_LETTERS = 30.0


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long sending may go on, and how it waits; time and sleep are handed in.

    Attributes:
        deadline: by `clock`, in seconds, when there must be an end.
        clock: seconds, monotonic.
        sleep: waits for so many seconds.
        jitter: a random number from 0 to 1, so that many functions do not come again at the same moment.
    """

    deadline: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - self.clock()

    @property
    def left_for_dead_letters(self) -> float:
        """Seconds that S3 may take, so that there is time to report; some also where the deadline has passed."""
        return min(_LONGEST_FOR_DEAD_LETTERS, max(0.1, self.left + _RESERVE - _REPORT))

    def wait(self, seconds: float) -> bool:
        """Wait; at once False where the time for it is not there."""
        if seconds >= self.left:
            return False
        self.sleep(seconds)
        return True


def deadline_in(remaining_milliseconds: int) -> Deadline:
    """As long as the invocation lasts, less what it takes to write dead letters, to report and to raise."""
    left = remaining_milliseconds / 1000 - _RESERVE
    return Deadline(time.monotonic() + left, time.monotonic, time.sleep, random.random)


def pause_before(attempt: int, jitter: float) -> float:
    """Seconds to wait before an attempt (the first repetition is 1): doubling from 0.5 to 20, of it half to all."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempt - 1, 10)) * (0.5 + jitter / 2)


class Backoff:
    """How many requests may be in flight, and whether a pause is due before the next one.

    Args:
        in_flight: how many, as long as the server keeps up; one while it does not, and one more for each it takes.
        deadline: what a pause must fit into.
    """

    def __init__(self, in_flight: int, deadline: Deadline) -> None:
        self._most = in_flight
        self._deadline = deadline
        self._attempt = 0
        self._asked = 0.0
        self.width = in_flight
        self.pause_is_due = False
        self.paused = 0.0

    def server_took_it(self) -> None:
        """Speed up: a request was taken whole; unless another one, under way with it, was not."""
        if self.pause_is_due:
            return
        self.width = min(self.width + 1, self._most)
        self._attempt = 0

    def server_pushed_back(self, retry_after: float | None) -> None:
        """Slow down; `retry_after` is the pause in seconds that the server asks for, if it does."""
        self.width = 1
        self._attempt += not self.pause_is_due  # requests side by side that are refused together count once
        self._asked = max(self._asked, retry_after or 0.0)
        self.pause_is_due = True

    def pause(self) -> bool:
        """Wait as long as is due, and never shorter than asked for; False where the time for it is not there."""
        seconds = max(self._asked, pause_before(self._attempt, self._deadline.jitter()))
        if not self._deadline.wait(seconds):
            return False
        self.paused += seconds
        self.pause_is_due, self._asked = False, 0.0
        return True
