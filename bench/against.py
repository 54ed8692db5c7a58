"""This tree's CPU beside another commit's, in one run: the two in turn, each in a process of its own."""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TREE = Path(__file__).parent.parent
_MEASURE = """
import gc, sys
from bench.cpu import cost
from bench.payloads import payload
gc.freeze()
gc.set_threshold(100_000)
print(cost(payload(sys.argv[1], 4000)).ours)
"""


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A folder with the files of a commit, for a while."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", revision], cwd=TREE, check=True, capture_output=True).stdout  # noqa: S603, S607 - git, as the caller has it
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)  # noqa: S603, S607 - tar of the system
        yield Path(folder)


def milliseconds(tree: Path, kind: str) -> float:
    """CPU of 4,000 records of a kind by the code of a tree."""
    command = [sys.executable, "-c", _MEASURE, kind]
    environment = {"PYTHONPATH": f"{tree / 'src'}:{tree}"}
    done = subprocess.run(command, cwd=tree, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - ours
    return float(done.stdout)


def ratios(revision: str, kind: str, rounds: int) -> tuple[float, float, float]:
    """Medians of this tree and of the other in ms, and the median of the rounds' ratios."""
    with checked_out(revision) as other:
        pairs = [(milliseconds(TREE, kind), milliseconds(other, kind)) for _ in range(rounds)]
    ours, theirs = zip(*pairs, strict=True)
    return statistics.median(ours), statistics.median(theirs), statistics.median(a / b for a, b in pairs)
