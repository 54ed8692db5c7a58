"""The whole rig: an OpenSearch node, Amazon's endpoint in front of it, and the Lambda runtime."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.accounts import check_reachable, server_account
from local.cache import CACHE_VARIABLE, Progress, cache_folder
from local.certificates import CertificateFiles, issue_certificate
from local.child_process import Program, free_port, is_listening, running
from local.distribution import chosen_engine
from local.downloads import java_home, opensearch_home
from local.identities import Identity, new_identity, write_identities
from local.lambda_runtime import TREE, LambdaFunction, LambdaRuntime
from local.opensearch_node import EDGE_ADDRESS, Node, NodeOptions, running_node
from local.sigv4 import DOMAIN_SERVICE

__all__ = ["Edge", "Identity", "Node", "NodeOptions", "Rig", "open_edge", "open_rig", "tell"]

REGION = "eu-west-1"
FUNCTION_ROLE = "arn:aws:iam::111122223333:role/eks-control-plane-logs-forwarder"
STRANGER_ROLE = "arn:aws:iam::111122223333:role/stranger"

_EDGE_START_SECONDS = 20


@dataclass(frozen=True)
class Edge:
    """A running endpoint that verifies signatures.

    Attributes:
        url: With https, without a path.
        ca_file: The certificate to verify it with.
        process_id: Of its process.
    """

    url: str
    ca_file: Path
    process_id: int


@dataclass(frozen=True)
class Rig:
    """What runs, and how to reach it.

    Attributes:
        node: The server itself; its master user is admin with the password admin.
        edge: What stands for the domain's endpoint: sign requests to it, or send basic credentials.
        function_identity: The forwarder's role.
        stranger_identity: A role with a valid signature that nobody maps to anything.
        region: That requests are signed for, with the service name `es`.
        folder: Where the logs of all parts are, for the time of the run.
    """

    node: Node
    edge: Edge
    function_identity: Identity
    stranger_identity: Identity
    region: str
    folder: Path

    @property
    def edge_url(self) -> str:
        """The endpoint that the function and eks-logs are given."""
        return self.edge.url

    @property
    def ca_file(self) -> Path:
        """What to verify the endpoint's certificate with."""
        return self.edge.ca_file

    def lambda_runtime(
        self,
        environment: Mapping[str, str],
        identity: Identity | None = None,
        code: Path = TREE / "src",
        handler: str = "forwarder.handler.handler",
    ) -> LambdaRuntime:
        """The function, set up to write to this rig.

        Args:
            environment: Further variables of the function; they win over the rig's.
            identity: Whose credentials it gets; the forwarder's unless told otherwise.
            code: The folder that holds the handler's package.
            handler: Module path, a dot, the function.

        Raises:
            RigError: The emulator or the Lambda environment is not installed.
        """
        variables = self._endpoint_variables() | _credentials(identity or self.function_identity) | dict(environment)
        return LambdaRuntime(LambdaFunction(variables, code=code, handler=handler, region=self.region))

    def _endpoint_variables(self) -> dict[str, str]:
        return {"OPENSEARCH_ENDPOINT": self.edge_url, "OPENSEARCH_CA_FILE": str(self.ca_file)}


def _credentials(identity: Identity) -> dict[str, str]:
    variables = {
        "AWS_ACCESS_KEY_ID": identity.access_key_id,
        "AWS_SECRET_ACCESS_KEY": identity.secret_access_key,
    }
    return variables if identity.session_token is None else variables | {"AWS_SESSION_TOKEN": identity.session_token}


def tell(line: str) -> None:
    """Show progress on standard error, for standard output belongs to answers."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def open_rig(options: NodeOptions | None = None, progress: Progress = tell) -> Iterator[Rig]:
    """Start everything, and stop and remove it at the end of the block, however it ends.

    Args:
        options: How to run the node; None is the engine that $EKS_LOGS_RIG_ENGINE names, as it comes.
        progress: Called with what is going on, where it takes long.

    Raises:
        RigError: Something could not be had or did not start.
    """
    options, account, cache = (
        options or NodeOptions(chosen_engine(os.environ)),
        server_account(os.getuid()),
        cache_folder(os.environ, os.getuid()),
    )
    home, java = opensearch_home(options.distribution, cache, progress), java_home(cache, progress)
    check_reachable(home, account, f"name another cache folder with {CACHE_VARIABLE}")
    identities = new_identity(FUNCTION_ROLE), new_identity(STRANGER_ROLE)
    with _run_folder() as folder:
        check_reachable(folder, account, "name another folder for temporary files with TMPDIR")
        with (
            running_node(options, home, java, folder / "opensearch", account, progress) as node,
            open_edge(node.url, identities, folder / "edge") as edge,
        ):
            yield Rig(node, edge, *identities, region=REGION, folder=folder)


@contextmanager
def _run_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="eks-control-plane-logs-rig-"))
    folder.chmod(0o711)  # the server's user passes through, and cannot look around
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def open_edge(
    upstream: str, identities: tuple[Identity, ...], folder: Path, service: str = DOMAIN_SERVICE
) -> Iterator[Edge]:
    """Run the endpoint that verifies signatures.

    Args:
        upstream: URL of the server behind it.
        identities: Whose signatures are good.
        folder: A new folder for its certificate, the identities' file and its log.
        service: What it stands for and signatures are for: `es` a domain, `aoss` a collection of OpenSearch Serverless.

    Raises:
        RigError: It did not start; with the tail of its log.
    """
    folder.mkdir(mode=0o700)
    certificate, port = issue_certificate("edge", folder), free_port()
    write_identities(folder / "identities.json", identities)
    program = _edge_program(certificate, port, upstream, folder, service)
    with running(program, stop_seconds=5) as child:
        child.wait_until(lambda: is_listening(port), _EDGE_START_SECONDS, lambda _: None)
        yield Edge(f"https://127.0.0.1:{port}", certificate.authority, child.process.pid)


def _edge_program(certificate: CertificateFiles, port: int, upstream: str, folder: Path, service: str) -> Program:
    options = {
        "--port": str(port),
        "--certificate": str(certificate.certificate),
        "--private-key": str(certificate.private_key),
        "--identities": str(folder / "identities.json"),
        "--upstream": upstream,
        "--source-address": EDGE_ADDRESS,
        "--region": REGION,
        "--service": service,
    }
    arguments = tuple(part for option in options.items() for part in option)
    command = (sys.executable, "-m", "local.sigv4_edge", *arguments)
    return Program(name="edge", command=command, environment={}, logs=folder, working_folder=TREE)
