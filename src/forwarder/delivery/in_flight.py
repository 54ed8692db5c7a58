"""Bulk requests under way side by side, and which of them is answered next."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from threading import Thread

from forwarder.delivery.bulk import BulkAnswer, BulkClient, BulkRequest

# What a request may take beyond the time-out that its client keeps for each of its steps: connect, send, read.
GRACE_SECONDS = 1.0


class InFlight:
    """Requests under way, a thread for each.

    One that is overdue counts as not answered, even where the server sends a byte now and then, which no time-out of a
    socket sees; its thread is left to itself.

    Args:
        client: sends them; several at the same time.
        clock: seconds, monotonic.
    """

    def __init__(self, client: BulkClient, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._under_way: dict[Future[BulkAnswer], tuple[BulkRequest, float]] = {}

    def __len__(self) -> int:
        """How many requests are not answered yet."""
        return len(self._under_way)

    def send(self, request: BulkRequest, longest_wait: float) -> None:
        """Send a request; `longest_wait` in seconds."""
        future: Future[BulkAnswer] = Future()
        self._under_way[future] = (request, self._clock() + longest_wait + GRACE_SECONDS)
        Thread(target=self._bulk, args=(future, request.body, longest_wait), daemon=True).start()

    def _bulk(self, future: Future[BulkAnswer], body: bytes, longest_wait: float) -> None:
        try:
            future.set_result(self._client.bulk(body, longest_wait))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that asks for the answer
            future.set_exception(error)

    def next_answer(self) -> tuple[BulkRequest, BulkAnswer]:
        """Wait for one of the requests; there must be one."""
        first_due = min(self._under_way, key=lambda future: self._under_way[future][1])
        left = max(0.0, self._under_way[first_due][1] - self._clock())
        answered = wait(self._under_way, left, FIRST_COMPLETED).done
        if answered:
            future = answered.pop()
            return self._under_way.pop(future)[0], future.result()
        return self._under_way.pop(first_due)[0], BulkAnswer(None, "no whole answer in time")
