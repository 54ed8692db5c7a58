"""Changes in AWS: the requests of each, what is waited for afterwards, and how that is done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from eks_logs.aws.api import AwsApi
from eks_logs.aws.calls import AwsCall, CommandLine, PassingRefusal
from eks_logs.errors import NotThere, Rejected, TookTooLong

Answer: TypeAlias = Mapping[str, Any]

# For how long a refusal that ends by itself is waited out: IAM's changes are everywhere within seconds.
_REFUSAL_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Wait:
    """What is looked at again and again until it is there.

    Attributes:
        what: what is going on meanwhile, such as `EKS is changing cluster prod`.
        look: the request that shows it, made from the answer to the step's last one.
        done: whether the answer to `look` shows that it is there; raises a SetupError where it never will be.
        otherwise: what to do where it does not come.
    """

    what: str
    look: Callable[[Answer], AwsCall]
    done: Callable[[Answer], bool]
    otherwise: str


@dataclass(frozen=True, slots=True)
class AwsStep:
    """One change.

    Attributes:
        title: what it is called.
        calls: the requests that make it, one after the other; none where there is only something to wait for.
        diff: how what is wanted differs from what is there.
        wait: what has to be there before the next step.
    """

    title: str
    calls: tuple[AwsCall, ...] = ()
    diff: tuple[str, ...] = ()
    wait: Wait | None = None

    def command(self, line: CommandLine) -> str:
        """What to type instead; for what can only be waited for, how to look."""
        return line.aws(*self.calls) if self.calls or not self.wait else line.aws(self.wait.look({}))


@dataclass(frozen=True, slots=True)
class Waiting:
    """How to wait; time and sleep are handed in.

    Attributes:
        clock: seconds, monotonic.
        sleep: waits for so many seconds.
        tell: gets a line on what is waited for, before each pause.
        limit: seconds after which it is given up.
        pause: seconds between two looks.
    """

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    tell: Callable[[str], None]
    limit: float = 900
    pause: float = 10

    def until(self, done: Callable[[], bool], what: str, otherwise: str) -> None:
        """Look until it is done.

        Raises:
            TookTooLong: not within the limit; the message ends in `otherwise`, what to do then.
        """
        start = self.clock()
        while not done():
            waited = self.clock() - start
            if waited + self.pause > self.limit:
                raise TookTooLong(f"{what}: not within {self.limit:.0f} seconds; {otherwise}")
            self.tell(f"{what}: {waited:.0f} of at most {self.limit:.0f} seconds")
            self.sleep(self.pause)


def apply_step(api: AwsApi, step: AwsStep, waiting: Waiting) -> None:
    """Make one change, and wait until it has come to be.

    Raises:
        SetupError: AWS refuses it, or it does not come to be.
    """
    answer: Answer = {}
    for call in step.calls:
        answer = _send(api, call, waiting)
    if wait := step.wait:
        waiting.until(lambda: wait.done(api.send(wait.look(answer))), wait.what, wait.otherwise)


def _send(api: AwsApi, call: AwsCall, waiting: Waiting) -> Answer:
    """The answer to a request, which is sent again while it is refused for now."""
    answers: list[Answer] = []

    def is_accepted() -> bool:
        try:
            answers.append(api.send(call))
        except NotThere:
            if not call.absent_is_done:
                raise
            answers.append({})
        except Rejected as error:
            # CloudWatch Logs has no code of its own for this: only its words tell it from a request that is wrong.
            if not call.passing or call.passing.words not in str(error):
                raise
        return bool(answers)

    refusal = call.passing or PassingRefusal("", "")
    limited = replace(waiting, limit=min(waiting.limit, _REFUSAL_SECONDS))
    limited.until(is_accepted, f"{call.service}:{call.operation} is refused ({refusal.words})", refusal.otherwise)
    return answers[-1]
