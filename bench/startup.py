"""What a new execution environment costs before its first record, and how large the bundle is."""

import io
import re
import statistics
import subprocess
import time
import zipfile
from pathlib import Path

from local.forwarding import EVENTS
from local.lambda_runtime import TREE, LambdaFunction, LambdaRuntime

PYTHON = TREE / ".venv-lambda" / "bin" / "python"
BUNDLE = TREE / ".aws-sam" / "build" / "ForwarderFunction"
RUNS = 9
_SHOWN = 12
_ENVIRONMENT = {
    "OPENSEARCH_ENDPOINT": "https://search-logs.eu-west-1.es.amazonaws.com",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_LAMBDA_FUNCTION_NAME": "forwarder",
}
_LOADING = """
import time
start = time.perf_counter()
from forwarder.handler import handler
from forwarder.runtime import cold_start
cold_start()
print((time.perf_counter() - start) * 1000)
"""
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(?P<name>\S+)$")


def loading_milliseconds() -> float:
    """Import the handler and read the settings, in a new interpreter: the median of RUNS."""
    return statistics.median(float(_python("-c", _LOADING).stdout) for _ in range(RUNS))


def first_response_milliseconds() -> float:
    """From an emulator that has loaded nothing to the answer to a control message: the median of RUNS."""
    event = (EVENTS / "control_message.json").read_bytes()
    walls = []
    for _ in range(RUNS):
        with LambdaRuntime(LambdaFunction(_ENVIRONMENT)) as function:
            start = time.perf_counter()
            function.invoke(event)
            walls.append((time.perf_counter() - start) * 1000)
    return statistics.median(walls)


def slowest_imports() -> list[tuple[str, float]]:
    """The packages that take longest to import, with all that they import, in ms: the top level and our own modules."""
    lines = _python("-X", "importtime", "-c", "import forwarder.handler").stderr.splitlines()
    found = [match for line in lines if (match := _IMPORT.search(line.rstrip()))]
    named = [(match["name"], int(match[2]) / 1000) for match in found if _is_shown(match["name"])]
    return sorted(named, key=lambda one: -one[1])[:_SHOWN]


def _is_shown(name: str) -> bool:
    return "." not in name or name.startswith("forwarder.")


def _python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**_ENVIRONMENT, "PYTHONPATH": str(TREE / "src")}
    return subprocess.run(  # noqa: S603 - the emulated environment's own interpreter; no shell
        [PYTHON, *arguments], env=environment, capture_output=True, text=True, check=True
    )


def bundle_megabytes() -> tuple[float, float]:
    """The bundle that `sam build` made, unzipped and zipped, in MB."""
    files = [path for path in sorted(BUNDLE.rglob("*")) if path.is_file()]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in files:
            packed.write(path, _name(path))
    return sum(path.stat().st_size for path in files) / 1e6, len(archive.getvalue()) / 1e6


def _name(path: Path) -> str:
    return str(path.relative_to(BUNDLE))
