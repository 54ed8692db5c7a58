"""The function inside AWS's own Runtime Interface Emulator, as Lambda runs it, without a container.

The emulator's program comes with aws-sam-cli; it offers the Runtime API to AWS's Python client (awslambdaric), which
loads the handler. https://github.com/aws/aws-lambda-runtime-interface-emulator
"""

import json
import platform
import re
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from local.child_process import SYSTEM_PATH, Child, Program, free_port, is_listening, running
from local.errors import RigError

TREE = Path(__file__).resolve().parents[1]

_EMULATOR_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_INVOCATIONS = "/2015-03-31/functions/function/invocations"
_START_SECONDS = 20
_LOG_SECONDS = 2
_LOG_OF_INVOCATION = re.compile(r"START RequestId: (\S+) [^\n]*\n(.*?)(?:END RequestId: \1)", re.DOTALL)


@dataclass(frozen=True)
class LambdaFunction:
    """What Lambda is told about a function.

    Attributes:
        environment: The function's variables and credentials; nothing of the caller's own environment is added.
        code: The folder that holds the handler's package.
        handler: As in the template: module path, a dot, the function.
        region: Given to it as AWS_REGION.
        timeout_seconds: When an invocation is ended.
        memory_megabytes: Given to it; not enforced.
        name: Given to it, also as the name of its log group.
    """

    environment: Mapping[str, str] = field(repr=False)
    code: Path = TREE / "src"
    handler: str = "forwarder.handler.handler"
    region: str = "eu-west-1"
    timeout_seconds: int = 300
    memory_megabytes: int = 512
    name: str = "eks-control-plane-logs-forwarder"

    def environment_in_lambda(self) -> dict[str, str]:
        """What AWS sets, then the function's own.

        https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
        """
        return {
            "PATH": SYSTEM_PATH,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": str(self.code),
            "LAMBDA_TASK_ROOT": str(self.code),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_megabytes),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.timeout_seconds),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            **self.environment,
        }


@dataclass(frozen=True)
class Invocation:
    """What came of one invocation.

    Attributes:
        payload: The answer: what the JSON says, or the text where it is none.
        error: None, or at least `errorType` and `errorMessage` as Lambda reports them.
        log: What the function wrote to standard output and error meanwhile.
        status: The emulator's HTTP status: 200 also for an exception, 502 when the handler could not be loaded.
    """

    payload: Any
    error: Mapping[str, Any] | None
    log: str
    status: int


class LambdaRuntime:
    """A function that can be invoked, one event at a time, within a `with` block.

    The handler is loaded by the first invocation and stays loaded, as in Lambda's warm environments.
    """

    def __init__(self, function: LambdaFunction) -> None:
        """Prepare to run a function; entering the block starts it.

        Raises:
            RigError: The emulator or the Lambda environment is not installed.
        """
        self.function = function
        self._command = _emulator_command(TREE)
        self._port = free_port()
        self._one_at_a_time = threading.Lock()  # the emulator breaks on a second invocation beside the first
        self._stack = ExitStack()
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Start the emulator."""
        with ExitStack() as stack:
            logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lambda-runtime-")))
            child = stack.enter_context(running(self._program(logs)))
            child.wait_until(lambda: is_listening(self._port), _START_SECONDS, lambda _: None)
            self._child = child
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the emulator and with it the function."""
        self._child = None
        self._stack.close()

    def invoke(self, event: Mapping[str, Any] | bytes, timeout: float = 330) -> Invocation:
        """Run the function once; other threads wait for their turn.

        Args:
            event: The event, or its JSON as bytes.
            timeout: Seconds to wait for the answer; longer than the function's own.

        Raises:
            RigError: Outside of the block, or no answer came.
        """
        if self._child is None:
            raise RigError("the Lambda runtime is not running: invoke it inside its `with` block")
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        with self._one_at_a_time:
            start = self._child.program.output.stat().st_size
            answer = self._post(self._child, body, timeout)
            seconds = _LOG_SECONDS if answer.ok else 0  # a function that never ran has no END
            log = _log_of_invocation(self._child.program.output, start, seconds)
        return interpret(answer.status_code, answer.text, log)

    @property
    def process_id(self) -> int:
        """Of the process that runs the handler.

        Raises:
            RigError: There is none: before the first invocation, or since it was killed.
        """
        running = _children(self._child.process.pid) if self._child is not None else []
        if len(running) != 1:
            raise RigError("the function has no process: it has one from its first invocation on")
        return running[0]

    def _post(self, child: Child, body: bytes, timeout: float) -> requests.Response:
        with requests.Session() as connection:
            connection.trust_env = False
            try:
                return connection.post(f"http://127.0.0.1:{self._port}{_INVOCATIONS}", data=body, timeout=timeout)
            except requests.RequestException as error:
                ended = child.process.poll()
                state = "still runs" if ended is None else f"has ended with status {ended}"
                raise RigError(
                    f"the function gave no answer within {timeout:.0f} s; the emulator {state}: {error}\n{child.tail()}"
                ) from error

    def _program(self, logs: Path) -> Program:
        emulator, python = self._command
        addresses = (
            *("--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"),
            *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
        )
        function = (str(python), "-m", "awslambdaric", self.function.handler)
        return Program(
            name="lambda-runtime",
            command=(str(emulator), "--log-level", "info", *addresses, *function),
            environment=self.function.environment_in_lambda(),
            logs=logs,
            working_folder=self.function.code,
        )


def _children(process_id: int) -> list[int]:
    """The processes that one of the process's threads started (proc_pid_task(5))."""
    tasks = Path(f"/proc/{process_id}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def interpret(status: int, text: str, log: str) -> Invocation:
    """Read the emulator's answer.

    Args:
        status: The HTTP status.
        text: The body: the function's JSON, an error's JSON, or a sentence when the time was over.
        log: What belongs to this invocation.
    """
    try:
        payload = json.loads(text) if text else None
    except ValueError:
        return Invocation(text, {"errorType": "Sandbox.Timedout", "errorMessage": text}, log, status)
    if isinstance(payload, dict) and "errorType" in payload:
        return Invocation(payload, payload, log, status)
    if status != requests.codes.ok:
        return Invocation(
            payload, {"errorType": "Runtime.Unknown", "errorMessage": f"HTTP {status}: {log}"}, log, status
        )
    return Invocation(payload, None, log, status)


def _emulator_command(tree: Path) -> tuple[Path, Path]:
    """The emulator and the Python that it runs."""
    architecture = _EMULATOR_ARCHITECTURES.get(platform.machine())
    pattern = f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{architecture}"
    emulator = next((tree / ".venv-sam").glob(pattern), None)
    python = tree / ".venv-lambda" / "bin" / "python"
    if emulator is None or not python.exists():
        raise RigError("the Lambda runtime is not installed: make .venv-sam/.installed .venv-lambda/.installed")
    return emulator, python


def _log_of_invocation(path: Path, start: int, seconds: float) -> str:
    """The lines between START and END; the emulator writes the END a moment after it has answered."""
    deadline = time.monotonic() + seconds
    while True:
        with path.open("rb") as file:
            file.seek(start)
            text = file.read().decode("utf-8", "replace")
        found = _LOG_OF_INVOCATION.search(text)
        if found is not None:
            return found[2]
        if time.monotonic() > deadline:
            return text
        time.sleep(0.01)
