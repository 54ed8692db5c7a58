"""The rig's endpoint behind a proxy that breaks some of its requests."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.certificates import CertificateFiles, issue_certificate
from local.child_process import Child, Program, free_port, running
from local.fault_proxy import READY, Step
from local.lambda_runtime import TREE
from local.rig import Rig

_START_SECONDS = 20


@dataclass(frozen=True)
class ProxiedEndpoint:
    """A running proxy in front of the endpoint.

    Attributes:
        url: With https, without a path.
        ca_file: The certificate to verify it with.
        output: What it says, one line for each request: what it did to it, and the request's first line.
    """

    url: str
    ca_file: Path
    output: Path

    def requests(self) -> list[str]:
        """What it did to each request, in the order in which they came."""
        lines = (line.split() for line in self.output.read_text().splitlines())
        return [words[0] for words in lines if words[1:2] == ["POST"]]


@contextmanager
def open_fault_proxy(
    rig: Rig, steps: Sequence[Step], folder: Path, refuse_seconds: float = 0
) -> Iterator[ProxiedEndpoint]:
    """Run a proxy in front of the rig's endpoint.

    Args:
        rig: Whose endpoint.
        steps: What it does to which request; behind the last step it lets all pass.
        folder: A new folder for its certificate and what it says.
        refuse_seconds: For how long it refuses connections first.

    Raises:
        RigError: It did not start; with the tail of what it said.
    """
    folder.mkdir(mode=0o700)
    certificate, port = issue_certificate("fault-proxy", folder), free_port()
    with running(_proxy_program(rig, certificate, (port, refuse_seconds), steps), stop_seconds=5) as child:
        child.wait_until(lambda: _is_ready(child), _START_SECONDS, lambda _: None)
        yield ProxiedEndpoint(f"https://127.0.0.1:{port}", certificate.authority, child.program.output)


def _is_ready(child: Child) -> bool:
    return READY in child.program.output.read_text().splitlines()


def _proxy_program(rig: Rig, certificate: CertificateFiles, where: tuple[int, float], steps: Sequence[Step]) -> Program:
    port, refuse_seconds = where
    options = {
        "--port": str(port),
        "--refuse-seconds": str(refuse_seconds),
        "--certificate": str(certificate.certificate),
        "--private-key": str(certificate.private_key),
        "--endpoint": rig.edge_url,
        "--ca-file": str(rig.ca_file),
        "--master": f"{rig.node.username}:{rig.node.password}",
    }
    arguments = (*(part for option in options.items() for part in option), *map(str, steps))
    command = (sys.executable, "-m", "local.fault_proxy", *arguments)
    folder = certificate.certificate.parent
    return Program(name="fault-proxy", command=command, environment={}, logs=folder, working_folder=TREE)
