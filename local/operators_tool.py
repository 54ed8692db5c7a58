"""eks-logs, run against the rig as an operator would run it against a domain."""

import subprocess
import sys

from local.cache import Progress
from local.child_process import SYSTEM_PATH
from local.errors import RigError
from local.lambda_runtime import TREE
from local.rig import Rig


def run_setup(rig: Rig, progress: Progress) -> None:
    """Make role, role mapping and index template through the edge, as the master user.

    Args:
        rig: What to set up.
        progress: Told the script's last line; the changes that it lists before are, for a new server, everything.

    Raises:
        RigError: The script failed; with all that it said.
    """
    ran = subprocess.run(
        _command(rig),
        env=operator_environment(rig),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise RigError(f"eks-logs ended with status {ran.returncode}:\n{ran.stdout}")
    progress(ran.stdout.rstrip().rpartition("\n")[2])


def _command(rig: Rig) -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "eks_logs", "apply", "--endpoint", rig.edge_url),
        *("--role-arn", rig.function_identity.role_arn, "--ca-file", str(rig.ca_file)),
    )


def operator_environment(rig: Rig) -> dict[str, str]:
    """All that an operator's shell says to eks-logs: where it is, and the domain's master user."""
    return {
        "PATH": SYSTEM_PATH,
        "PYTHONPATH": str(TREE / "src"),
        "OPENSEARCH_USERNAME": rig.node.username,
        "OPENSEARCH_PASSWORD": rig.node.password,
    }
