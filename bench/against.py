"""This tree's CPU beside another commit's, in one run: the two in turn, each in a process of its own."""

import dataclasses
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.payloads import Payload, payload

TREE = Path(__file__).parent.parent
# Run in either tree, on the payload that this one makes.
_MEASURE = """
import gc, json, sys
from bench.cpu import cost
from bench.payloads import Payload
gc.freeze()
gc.set_threshold(100_000)
print(cost(Payload(**json.load(sys.stdin))).ours)
"""


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A folder with the files of a commit, for a while."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", revision], cwd=TREE, check=True, capture_output=True).stdout  # noqa: S603, S607 - git, as the caller has it
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)  # noqa: S603, S607 - tar of the system
        yield Path(folder)


def milliseconds(tree: Path, measured: Payload) -> float:
    """CPU of a payload by the code of a tree."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _MEASURE],
        cwd=tree,
        env={"PYTHONPATH": f"{tree / 'src'}:{tree}"},
        input=json.dumps(dataclasses.asdict(measured)),
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def ratios(revision: str, kind: str, rounds: int) -> tuple[float, float, float]:
    """Medians of this tree and of the other in ms, and the median of the rounds' ratios."""
    measured = payload(kind, 4000)
    with checked_out(revision) as other:
        pairs = [(milliseconds(TREE, measured), milliseconds(other, measured)) for _ in range(rounds)]
    ours, theirs = zip(*pairs, strict=True)
    return statistics.median(ours), statistics.median(theirs), statistics.median(a / b for a, b in pairs)
