"""What `sam build` puts into the function's bundle, built by the very Makefile that it runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
# ELF header, e_machine: 183 is AArch64, 62 is x86-64 (System V ABI).
MACHINES = {"arm64": 183, "x86_64": 62}


def build(folder: Path, architecture: str | None, target: Path) -> None:
    """Run the target in a copy of the sources, as SAM does, with nobody there to type anything."""
    shutil.copytree(SOURCE, folder)
    chosen = {} if architecture is None else {"LAMBDA_ARCHITECTURE": architecture}
    ran = subprocess.run(
        ["make", "build-ForwarderFunction"],  # noqa: S607 - the make of this machine, as SAM runs it
        cwd=folder,
        env=os.environ | chosen | {"ARTIFACTS_DIR": str(target), "PYTHON": sys.executable},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def names(text: str) -> str:
    """A distribution's name, as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", text).lower()


def locked() -> set[str]:
    """The distributions of the lock that python3.13 needs: those for older ones say so behind a semicolon."""
    pins = re.findall(r"^([\w.-]+)==[^\s;]+ *(;[^\\\n]*)?", (SOURCE / "requirements.txt").read_text(), re.MULTILINE)
    return {names(name) for name, marker in pins if "python_full_version <" not in marker}


def machines(bundle: Path) -> set[int]:
    return {int.from_bytes(path.read_bytes()[18:20], "little") for path in bundle.rglob("*.so")}


@pytest.mark.parametrize(("architecture", "expected"), [(None, "arm64"), ("x86_64", "x86_64")])
def test_the_bundle_is_the_function_and_its_requirements_for_one_architecture(
    tmp_path: Path, architecture: str | None, expected: str
) -> None:
    bundle = tmp_path / "bundle"
    build(tmp_path / "src", architecture, bundle)
    distributions = sorted(bundle.glob("*.dist-info"))
    assert {names(one.name.split("-")[0]) for one in distributions} == locked()
    records = "".join((one / "RECORD").read_text() for one in distributions)
    theirs = {line.split("/")[0].split(",")[0] for line in records.splitlines()}
    assert {path.name for path in bundle.iterdir()} - theirs == {"forwarder"}
    assert (bundle / "forwarder" / "handler.py").read_bytes() == (SOURCE / "forwarder" / "handler.py").read_bytes()
    assert [path for path in bundle.rglob("*") if path.name in ("__pycache__", "eks_logs", "boto3", "click")] == []
    assert machines(bundle) == {MACHINES[expected]}


def test_an_architecture_that_lambda_does_not_have_ends_the_build(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="LAMBDA_ARCHITECTURE is arm64 or x86_64, not arm"):
        build(tmp_path / "src", "arm", tmp_path / "bundle")
