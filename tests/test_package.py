"""The package that an operator installs: what the commands need is in it, and what only makes files of the repository
is not.
"""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from local.lambda_runtime import TREE

# Where the imported module was found, and how many dashboards its file names.
IMPORTED = """
from eks_logs.commands import dashboards, replay
from eks_logs.dashboards import SAVED_OBJECTS, dashboards_in
print(dashboards.__file__)
print(len(list(dashboards_in(SAVED_OBJECTS.read_text(encoding="utf-8")))))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files, as they are installed."""
    built = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    subprocess.run(command, cwd=TREE, check=True, capture_output=True)  # noqa: S603 - ours
    (wheel,) = built.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(built / "installed")
    return built / "installed"


def test_what_dashboards_imports_is_installed(installed: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", IMPORTED]
    done = subprocess.run(command, cwd=installed, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    module, dashboards = done.stdout.splitlines()
    assert Path(module).is_relative_to(installed)
    assert dashboards == "3"


def test_the_makers_of_repository_files_are_not(installed: Path) -> None:
    assert {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")} == {
        "eks_logs",
        "forwarder",
    }
