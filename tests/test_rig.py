"""The rig stands for Amazon's endpoint and Lambda: whatever it lets through wrongly, other tests would believe."""

import dataclasses
import gzip
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import requests
from click.testing import CliRunner
from requests_aws4auth import AWS4Auth

from local.__main__ import up
from local.accounts import Account, check_reachable
from local.cache import CACHE_VARIABLE, cache_folder, locked, provide
from local.child_process import SYSTEM_PATH, Program, free_port, is_listening, running
from local.distribution import DEFAULT_ENGINE, ENGINE_VARIABLE, ENGINES, chosen_engine
from local.downloads import without_need_of
from local.errors import RigError
from local.identities import Identity, new_identity
from local.lambda_runtime import TREE, LambdaFunction, LambdaRuntime, interpret
from local.opensearch_node import EDGE_ADDRESS, Node, java_options
from local.rig import FUNCTION_ROLE, Edge, Rig, open_edge
from local.sigv4 import RefusedError, Scope, SignedRequest, verify
from local.standing_rig import Places, StandingRig, keep, standing

AUTHINFO = "/_plugins/_security/authinfo"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
SPOOFED = {"x-proxy-user": "admin", "x-proxy-roles": "admin", "X-Forwarded-For": "127.0.0.10"}


@pytest.fixture
def client() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        opened.trust_env = False
        yield opened


def signature_of(identity: Identity, region: str = "eu-west-1", service: str = "es") -> AWS4Auth:
    return AWS4Auth(
        identity.access_key_id, identity.secret_access_key, region, service, session_token=identity.session_token
    )


def ask(
    client: requests.Session, rig: Rig, identity: Identity, path: str = AUTHINFO, **more: object
) -> requests.Response:
    request = requests.Request("GET", rig.edge_url + path, auth=signature_of(identity), **more)
    return client.send(client.prepare_request(request), verify=str(rig.ca_file), timeout=30)


class TestSignedRequests:
    def test_a_valid_signature_reaches_the_server_as_its_role(self, client: requests.Session, rig: Rig) -> None:
        answer = ask(client, rig, rig.function_identity)
        assert answer.status_code == 200, answer.text
        assert answer.json()["backend_roles"] == [FUNCTION_ROLE]
        assert answer.json()["user_name"] == FUNCTION_ROLE

    def test_each_identity_is_its_own_role(self, client: requests.Session, rig: Rig) -> None:
        answer = ask(client, rig, rig.stranger_identity)
        assert answer.json()["backend_roles"] == ["arn:aws:iam::111122223333:role/stranger"]

    def test_a_role_that_nobody_maps_may_do_nothing(self, client: requests.Session, rig: Rig) -> None:
        answer = ask(client, rig, rig.stranger_identity, "/_cat/indices")
        assert answer.status_code == 403
        assert answer.json()["error"]["type"] == "security_exception"

    def test_a_role_that_nobody_maps_is_refused_the_whole_bulk(self, client: requests.Session, rig: Rig) -> None:
        bulk = b'{"create":{"_index":"rig-strangers","_id":"1"}}\n{}\n'
        answer = client.post(
            f"{rig.edge_url}/_bulk",
            data=bulk,
            headers={"Content-Type": "application/x-ndjson"},
            auth=signature_of(rig.stranger_identity),
            verify=str(rig.ca_file),
        )
        assert answer.status_code == 403, answer.text

    def test_basic_credentials_pass_as_the_master_user(self, client: requests.Session, rig: Rig) -> None:
        answer = client.get(rig.edge_url + AUTHINFO, auth=("admin", "admin"), verify=str(rig.ca_file))
        assert answer.json()["user_name"] == "admin"

    def test_a_compressed_answer_stays_compressed(self, client: requests.Session, rig: Rig) -> None:
        headers = {"Accept-Encoding": "gzip"}
        path = f"{rig.edge_url}/_cluster/settings?include_defaults=true"
        answer = client.get(path, auth=("admin", "admin"), verify=str(rig.ca_file), headers=headers)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "defaults" in answer.json()

    def test_a_head_request_has_an_answer(self, client: requests.Session, rig: Rig) -> None:
        answer = client.head(f"{rig.edge_url}/rig-no-such-index", auth=("admin", "admin"), verify=str(rig.ca_file))
        assert answer.status_code == 404


@dataclasses.dataclass(frozen=True)
class Arrival:
    """What a server behind the edge saw of one request."""

    source_address: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Recorder(BaseHTTPRequestHandler):
    """A server that remembers what arrives."""

    protocol_version = "HTTP/1.1"
    arrivals: ClassVar[list[Arrival]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.arrivals.append(Arrival(self.client_address[0], self.command, self.path, headers, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def recorded_edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Edge, Identity]]:
    identity = new_identity(FUNCTION_ROLE)
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        upstream = f"http://127.0.0.1:{server.server_port}"
        with open_edge(upstream, (identity,), tmp_path_factory.mktemp("edge") / "edge") as edge:
            yield edge, identity
        server.shutdown()
        thread.join()


class TestWhatArrivesBehindTheEdge:
    def arrival(
        self,
        client: requests.Session,
        recorded_edge: tuple[Edge, Identity],
        target: str = "/_bulk",
        body: bytes = b"{}\n",
        headers: dict[str, str] | None = None,
    ) -> Arrival:
        edge, identity = recorded_edge
        answer = client.post(
            edge.url + target, data=body, headers=headers, auth=signature_of(identity), verify=str(edge.ca_file)
        )
        assert answer.status_code == 200, answer.text
        return Recorder.arrivals.pop()

    @pytest.mark.parametrize(
        "target",
        [
            "/_bulk?filter_path=items.*.status,errors&timeout=10s",
            "/_bulk?z=a%20b%2Fc~&a=2&a=1&empty=&e=%C3%A9",
            "/eks-2026.11.20%2Ceks-2026.11.21/_search",
            "/%3Ceks-%7Bnow%2Fd%7D%3E/_search",
            "/eks-*/_search",
            "/",
        ],
    )
    def test_the_target_as_it_was_sent(
        self, client: requests.Session, recorded_edge: tuple[Edge, Identity], target: str
    ) -> None:
        assert self.arrival(client, recorded_edge, target).target == target

    @pytest.mark.parametrize("body", [b"", b"{}\n", gzip.compress(os.urandom(6_000_000))], ids=["none", "small", "6MB"])
    def test_the_body_as_it_was_sent(
        self, client: requests.Session, recorded_edge: tuple[Edge, Identity], body: bytes
    ) -> None:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/x-ndjson"}
        arrival = self.arrival(client, recorded_edge, body=body, headers=headers)
        assert arrival.body == body
        assert arrival.headers["content-encoding"] == "gzip"
        assert arrival.headers["content-type"] == "application/x-ndjson"

    def test_the_role_instead_of_the_signature(
        self, client: requests.Session, recorded_edge: tuple[Edge, Identity]
    ) -> None:
        arrival = self.arrival(client, recorded_edge, headers=SPOOFED)
        assert arrival.headers["x-proxy-user"] == arrival.headers["x-proxy-roles"] == FUNCTION_ROLE
        assert {"authorization", "x-amz-security-token", "x-amz-date"}.isdisjoint(arrival.headers)

    def test_from_the_address_that_the_server_trusts(
        self, client: requests.Session, recorded_edge: tuple[Edge, Identity]
    ) -> None:
        arrival = self.arrival(client, recorded_edge)
        assert arrival.source_address == EDGE_ADDRESS
        assert "x-forwarded-for" in arrival.headers

    def test_a_server_that_is_gone_is_a_bad_gateway(self, client: requests.Session, tmp_path: Path) -> None:
        identity = new_identity(FUNCTION_ROLE)
        with open_edge(f"http://127.0.0.1:{free_port()}", (identity,), tmp_path / "edge") as edge:
            answer = client.get(edge.url, auth=signature_of(identity), verify=str(edge.ca_file))
        assert answer.status_code == 502


class TestRefusedRequests:
    def test_a_wrong_secret(self, client: requests.Session, rig: Rig) -> None:
        forger = dataclasses.replace(rig.function_identity, secret_access_key=secrets.token_hex())
        answer = ask(client, rig, forger)
        assert (answer.status_code, answer.json()) == (403, {"message": MISMATCH})

    def test_an_unknown_access_key(self, client: requests.Session, rig: Rig) -> None:
        answer = ask(client, rig, new_identity("arn:aws:iam::111122223333:role/unknown"))
        assert (answer.status_code, answer.json()) == (
            403,
            {"message": "The security token included in the request is invalid."},
        )

    def test_another_session_token(self, client: requests.Session, rig: Rig) -> None:
        answer = ask(client, rig, dataclasses.replace(rig.function_identity, session_token=secrets.token_hex()))
        assert answer.status_code == 403
        assert answer.json()["message"] == "The security token included in the request is invalid."

    def test_a_date_ten_minutes_ago(self, client: requests.Session, rig: Rig) -> None:
        signed_at = (datetime.now(UTC) - timedelta(minutes=10)).strftime("%Y%m%dT%H%M%SZ")
        answer = ask(client, rig, rig.function_identity, headers={"x-amz-date": signed_at})
        assert answer.status_code == 403
        assert answer.json()["message"].startswith(f"Signature expired: {signed_at} is now earlier than ")

    def test_another_region(self, client: requests.Session, rig: Rig) -> None:
        answer = client.get(
            rig.edge_url + AUTHINFO,
            auth=signature_of(rig.function_identity, region="us-east-1"),
            verify=str(rig.ca_file),
        )
        assert answer.status_code == 403
        assert "valid region" in answer.json()["message"]

    @pytest.mark.parametrize("with_hash", [True, False])
    def test_a_body_changed_on_its_way(self, client: requests.Session, rig: Rig, *, with_hash: bool) -> None:
        request = requests.Request(
            "POST", f"{rig.edge_url}/_bulk", data=b'{"create":{}}\n', auth=signature_of(rig.function_identity)
        )
        prepared = client.prepare_request(request)
        prepared.body = b'{"delete":{}}\n'
        if not with_hash:
            del prepared.headers["x-amz-content-sha256"]
        answer = client.send(prepared, verify=str(rig.ca_file))
        assert (answer.status_code, answer.json()) == (403, {"message": MISMATCH})

    @pytest.mark.parametrize("path", ["/_cat/indices", f"{AUTHINFO}?pretty=true"])
    def test_a_target_changed_on_its_way(self, client: requests.Session, rig: Rig, path: str) -> None:
        prepared = client.prepare_request(
            requests.Request("GET", rig.edge_url + AUTHINFO, auth=signature_of(rig.function_identity))
        )
        prepared.url = rig.edge_url + path
        answer = client.send(prepared, verify=str(rig.ca_file))
        assert (answer.status_code, answer.json()) == (403, {"message": MISMATCH})

    def test_no_credentials(self, client: requests.Session, rig: Rig) -> None:
        answer = client.post(f"{rig.edge_url}/_bulk", data=b"{}", verify=str(rig.ca_file))
        assert answer.status_code == 403
        assert answer.json()["Message"] == (
            "User: anonymous is not authorized to perform: es:ESHttpPost "
            "because no resource-based policy allows the es:ESHttpPost action"
        )


class TestSpoofedUserHeaders:
    def test_through_the_edge_without_credentials(self, client: requests.Session, rig: Rig) -> None:
        answer = client.get(rig.edge_url + AUTHINFO, headers=SPOOFED, verify=str(rig.ca_file))
        assert answer.status_code == 403

    def test_through_the_edge_beside_a_signature(self, client: requests.Session, rig: Rig) -> None:
        answer = ask(client, rig, rig.stranger_identity, headers=SPOOFED)
        assert answer.json()["user_name"] == "arn:aws:iam::111122223333:role/stranger"
        assert answer.json()["backend_roles"] == ["arn:aws:iam::111122223333:role/stranger"]

    def test_through_the_edge_beside_basic_credentials(self, client: requests.Session, rig: Rig) -> None:
        answer = client.get(rig.edge_url + AUTHINFO, headers=SPOOFED, auth=("admin", "wrong"), verify=str(rig.ca_file))
        assert answer.status_code == 401

    def test_straight_to_the_server(self, client: requests.Session, rig: Rig) -> None:
        answer = client.get(rig.node.url + AUTHINFO, headers=SPOOFED)
        assert answer.status_code == 401


class TestSignatureVersion4:
    """The example that AWS publishes, signed by neither of the two libraries used here."""

    DOCUMENTED = SignedRequest(
        method="GET",
        target="/?Action=ListUsers&Version=2010-05-08",
        headers={
            "host": "iam.amazonaws.com",
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            "x-amz-date": "20150830T123600Z",
            "authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        },
        body=b"",
    )
    IDENTITY = Identity(
        "arn:aws:iam::111122223333:user/example", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None
    )
    SCOPE = Scope("us-east-1", "iam")
    SIGNED_AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)

    def verified(self, request: SignedRequest, minutes_later: int = 0) -> Identity:
        now = self.SIGNED_AT + timedelta(minutes=minutes_later)
        return verify(request, {"AKIDEXAMPLE": self.IDENTITY}, self.SCOPE, now)

    @pytest.mark.parametrize("minutes", [0, 5, -5])
    def test_verifies(self, minutes: int) -> None:
        assert self.verified(self.DOCUMENTED, minutes) == self.IDENTITY

    @pytest.mark.parametrize(("minutes", "message"), [(6, "Signature expired"), (-6, "Signature not yet current")])
    def test_at_another_time(self, minutes: int, message: str) -> None:
        with pytest.raises(RefusedError, match=message):
            self.verified(self.DOCUMENTED, minutes)

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("host", "evil.example", "does not match"),
            ("x-amz-date", "20150830T123601Z", "does not match"),
            ("x-amz-date", "yesterday", "X-Amz-Date"),
            ("x-amz-date", "20150831T000000Z", "Date in Credential scope"),
            ("authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE", "requires 'Credential'"),
        ],
    )
    def test_with_a_changed_header(self, name: str, value: str, message: str) -> None:
        changed = dataclasses.replace(self.DOCUMENTED, headers={**self.DOCUMENTED.headers, name: value})
        with pytest.raises(RefusedError, match=message):
            self.verified(changed)


class TestChildProcesses:
    def test_nothing_of_an_edge_stays(self, tmp_path: Path) -> None:
        with open_edge("http://127.0.0.1:9", (new_identity(FUNCTION_ROLE),), tmp_path / "edge") as edge:
            port = int(edge.url.rpartition(":")[2])
            assert is_listening(port)
        assert not is_listening(port)
        assert not is_running(edge.process_id)

    def test_an_exception_ends_it_too(self, tmp_path: Path) -> None:
        with pytest.raises(KeyboardInterrupt), running(sleeper(tmp_path)) as child:
            raise KeyboardInterrupt
        assert not is_running(child.process.pid)

    def test_one_that_ignores_sigterm_is_killed(self, tmp_path: Path) -> None:
        deaf = "trap '' TERM; echo deaf; while :; do sleep 0.1; done"
        program = dataclasses.replace(sleeper(tmp_path), command=("/bin/sh", "-c", deaf))
        with running(program, stop_seconds=0.2) as child:
            child.wait_until(lambda: program.output.read_text() == "deaf\n", 10, lambda _: None)
        assert child.process.returncode == -signal.SIGKILL

    def test_grandchildren_end_with_it(self, tmp_path: Path) -> None:
        program = dataclasses.replace(sleeper(tmp_path), command=("/bin/sh", "-c", "sleep 60 & echo $!; wait"))
        with running(program) as child:
            child.wait_until(lambda: program.output.read_text().endswith("\n"), 10, lambda _: None)
            grandchild = int(program.output.read_text())
        assert_gone(grandchild)

    def test_it_ends_when_its_parent_is_killed_outright(self, tmp_path: Path) -> None:
        code = (
            "import sys, time; from pathlib import Path; from local.child_process import Program, running\n"
            "program = Program('sleeper', ('/bin/sleep', '60'), {}, Path(sys.argv[1]))\n"
            "with running(program) as child: print(child.process.pid, flush=True); time.sleep(60)"
        )
        command = (sys.executable, "-c", code, str(tmp_path))
        with subprocess.Popen(  # noqa: S603 - this very Python, on the lines above
            command, stdout=subprocess.PIPE, cwd=TREE, text=True
        ) as parent:
            assert parent.stdout is not None
            orphan = int(parent.stdout.readline())
            assert is_running(orphan)
            parent.kill()
        assert_gone(orphan)

    def test_a_program_that_ends_early_is_reported_with_its_last_words(self, tmp_path: Path) -> None:
        program = dataclasses.replace(sleeper(tmp_path), command=("/bin/sh", "-c", "echo no such disk >&2; exit 3"))
        with running(program) as child, pytest.raises(RigError, match=r"sleeper ended with status 3:\nno such disk"):
            child.wait_until(lambda: False, 10, lambda _: None)

    def test_a_program_that_does_not_exist(self, tmp_path: Path) -> None:
        program = dataclasses.replace(sleeper(tmp_path), command=("/no/such/program",))
        with pytest.raises(RigError, match="sleeper could not be started"), running(program):
            pass


def sleeper(folder: Path) -> Program:
    return Program("sleeper", ("/bin/sleep", "60"), {"PATH": SYSTEM_PATH}, folder)


def is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # ended, and waiting for whoever adopted it to take notice


def assert_gone(process_id: int) -> None:
    deadline = time.monotonic() + 10
    while is_running(process_id):
        assert time.monotonic() < deadline, f"process {process_id} is still running"
        time.sleep(0.02)


class TestCache:
    @pytest.mark.parametrize(
        ("environment", "user_id", "folder"),
        [
            ({CACHE_VARIABLE: "/chosen"}, 0, "/chosen"),
            ({CACHE_VARIABLE: "/chosen", "XDG_CACHE_HOME": "/xdg"}, 1000, "/chosen"),
            ({"XDG_CACHE_HOME": "/xdg"}, 1000, "/xdg/eks-control-plane-logs-rig"),
            ({"XDG_CACHE_HOME": "/xdg"}, 0, "/var/cache/eks-control-plane-logs-rig"),
        ],
    )
    def test_folder(self, environment: dict[str, str], user_id: int, folder: str) -> None:
        assert cache_folder(environment, user_id) == Path(folder)

    def test_is_filled_once(self, tmp_path: Path) -> None:
        fills: list[Path] = []
        for _ in range(2):
            assert provide(tmp_path / "home", fills.append, print).is_dir()
        assert len(fills) == 1

    def test_an_interrupted_fill_leaves_nothing_that_counts(self, tmp_path: Path) -> None:
        def interrupted(folder: Path) -> None:
            (folder / "half").touch()
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            provide(tmp_path / "home", interrupted, print)
        (tmp_path / "home.partial-of-one-that-was-killed").mkdir()
        provide(tmp_path / "home", lambda folder: (folder / "whole").touch(), print)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "home.lock"]
        assert [path.name for path in (tmp_path / "home").iterdir()] == ["whole"]

    def test_two_at_once_fill_it_once(self, tmp_path: Path) -> None:
        fills: list[Path] = []
        waits: list[str] = []

        def fill(folder: Path) -> None:
            fills.append(folder)
            time.sleep(0.3)

        threads = [threading.Thread(target=provide, args=(tmp_path / "home", fill, waits.append)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(fills) == 1
        assert waits == ["another process is preparing home: waiting for it"]

    def test_others_can_read_it_whatever_the_umask(self, tmp_path: Path) -> None:
        before = os.umask(0o077)
        try:
            home = provide(tmp_path / "cache" / "home", lambda folder: (folder / "file").touch(), print)
        finally:
            os.umask(before)
        modes = [path.stat().st_mode & 0o777 for path in (home.parent, home, home / "file")]
        assert modes == [0o755, 0o755, 0o644]

    def test_a_closed_folder_is_named(self, tmp_path: Path) -> None:
        inside = tmp_path / "closed" / "inside"
        inside.mkdir(parents=True)
        inside.parent.chmod(0o700)
        with pytest.raises(RigError, match=rf"{inside.parent} is closed to user 4711.*: move it"):
            check_reachable(inside, Account(4711, 4711), "move it")
        check_reachable(inside, None, "nothing to say when it is ourselves")


class TestStandingRig:
    def test_the_state_of_a_keeper_that_was_killed_counts_for_nothing(self, tmp_path: Path) -> None:
        places = Places(tmp_path)
        places.state.write_text('{"keeper": 1}')
        assert standing(places) is None
        assert not places.state.exists()

    def test_a_second_keeper_is_refused(self, tmp_path: Path) -> None:
        places = Places(tmp_path)
        with locked(places.lock, lambda: None), pytest.raises(RigError, match="up already"):
            keep(places)

    @pytest.mark.parametrize(
        ("asked", "status", "words"),
        [
            ("", 0, "is up already, with OpenSearch 2.19.4"),
            ("2.19.4", 0, "is up already, with OpenSearch 2.19.4"),
            ("3.4.0", 1, "a rig is up with OpenSearch 2.19.4: end it first"),
            ("3", 1, f"{ENGINE_VARIABLE} is '3'"),
        ],
    )
    def test_what_is_up_is_not_taken_for_another_engine(
        self, asked: str, status: int, words: str, tmp_path: Path
    ) -> None:
        places, identity = Places(tmp_path), new_identity(FUNCTION_ROLE)
        node = Node("http://127.0.0.1:9", "admin", "admin", 1, "2.19.4")
        rig = Rig(node, Edge("https://127.0.0.1:9", tmp_path, 1), identity, identity, "eu-west-1", tmp_path)
        places.state.write_text(json.dumps(dataclasses.asdict(StandingRig(1, rig)), default=str))
        with locked(places.lock, lambda: None):
            result = CliRunner().invoke(up, env={CACHE_VARIABLE: str(tmp_path), ENGINE_VARIABLE: asked})
        assert (result.exit_code, words in result.output) == (status, True), result.output


class TestEngines:
    @pytest.mark.parametrize("environment", [{}, {ENGINE_VARIABLE: ""}])
    def test_the_default_one_where_none_is_named(self, environment: dict[str, str]) -> None:
        assert chosen_engine(environment) is DEFAULT_ENGINE

    @pytest.mark.parametrize("version", ENGINES)
    def test_each_by_its_version(self, version: str) -> None:
        engine = chosen_engine({ENGINE_VARIABLE: version})
        assert engine.version == version
        assert engine.security is not None
        assert engine.security.archive.version.startswith(version)

    @pytest.mark.parametrize("version", ["3.4", "3.4.0 ", "latest", "2.19.4,3.4.0"])
    def test_another_is_refused_and_what_there_is_is_named(self, version: str) -> None:
        with pytest.raises(RigError, match=rf"{ENGINE_VARIABLE} is '{version}': .* 2\.19\.4 and 3\.4\.0"):
            chosen_engine({ENGINE_VARIABLE: version})

    def test_each_has_a_folder_of_its_own(self) -> None:
        assert len({engine.folder_name for engine in ENGINES.values()}) == len(ENGINES)

    def test_the_rig_runs_the_chosen_one(self, rig: Rig) -> None:
        assert rig.node.request("GET", "/").json()["version"]["number"] == chosen_engine(os.environ).version

    def test_every_one_is_tested_by_make_and_by_ci(self) -> None:
        assert f"ENGINES ?= {' '.join(ENGINES)}\n" in (TREE / "Makefile").read_text()
        others = [version for version in ENGINES if version != DEFAULT_ENGINE.version]
        assert f"make test-engines ENGINES={' '.join(others)}\n" in (TREE / ".ci" / "run").read_text()


class TestPluginDescriptor:
    DESCRIPTOR = "name=opensearch-security\nextended.plugins=workload-management;optional=true,rule-framework\nx=1\n"

    def test_a_plugin_that_is_not_to_be_had_becomes_optional(self) -> None:
        assert without_need_of(["rule-framework"], self.DESCRIPTOR) == self.DESCRIPTOR.replace(
            "rule-framework", "rule-framework;optional=true"
        )

    def test_wherever_it_stands(self) -> None:
        assert without_need_of(["b", "a"], "extended.plugins=a,b,c\n") == (
            "extended.plugins=a;optional=true,b;optional=true,c\n"
        )

    def test_nothing_else_changes(self) -> None:
        assert without_need_of([], self.DESCRIPTOR) == self.DESCRIPTOR

    @pytest.mark.parametrize("name", ["rule", "framework", "workload-management", "x"])
    def test_one_that_it_does_not_need_is_an_error(self, name: str) -> None:
        with pytest.raises(RigError, match=f"does not extend {name}"):
            without_need_of([name], self.DESCRIPTOR)


def test_java_options_point_into_the_run_and_want_no_module_that_the_runtime_lacks() -> None:
    shipped = (
        "-XX:HeapDumpPath=data\n-XX:ErrorFile=logs/hs_err_pid%p.log\n9-:-Xlog:gc*:file=logs/gc.log:utctime\n"
        "20-:--add-modules=jdk.incubator.vector\n-Ddata=x\n"
    )
    assert java_options(shipped, Path("/run")) == (
        "-XX:HeapDumpPath=/run/data\n-XX:ErrorFile=/run/logs/hs_err_pid%p.log\n"
        "9-:-Xlog:gc*:file=/run/logs/gc.log:utctime\n-Ddata=x\n"
    )


HANDLER = """
import os, sys, time

def handler(event, context):
    print("seen", event.get("name"))
    print("second line", file=sys.stderr)
    if "raise" in event:
        raise ValueError(event["raise"])
    time.sleep(event.get("sleep", 0))
    return {"environment": dict(os.environ), "remaining": context.get_remaining_time_in_millis()}
"""


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LambdaRuntime]:
    code = tmp_path_factory.mktemp("code")
    (code / "probe.py").write_text(HANDLER)
    environment = {"INDEX_NAME": "logs", "LOG_LEVEL": "DEBUG"}
    with LambdaRuntime(LambdaFunction(environment, code=code, handler="probe.handler", timeout_seconds=3)) as runtime:
        yield runtime


class TestLambdaRuntime:
    def test_an_invocation_has_its_answer_and_its_own_log(self, function: LambdaRuntime) -> None:
        for name in ("first", "second"):
            invocation = function.invoke({"name": name})
            assert (invocation.status, invocation.error) == (200, None)
            assert invocation.log == f"seen {name}\nsecond line\n"
            assert 0 < invocation.payload["remaining"] <= 3000

    def test_nothing_of_our_environment_is_inherited(self, function: LambdaRuntime) -> None:
        seen = function.invoke(b"{}").payload["environment"]
        assert seen["INDEX_NAME"] == "logs"
        assert seen["AWS_REGION"] == "eu-west-1"
        assert {"HOME", "REQUESTS_CA_BUNDLE", "PYTEST_CURRENT_TEST", "VIRTUAL_ENV"}.isdisjoint(seen)

    def test_an_exception_is_an_error(self, function: LambdaRuntime) -> None:
        invocation = function.invoke({"raise": "no such index"})
        assert invocation.error is not None
        assert (invocation.error["errorType"], invocation.error["errorMessage"]) == ("ValueError", "no such index")

    def test_a_time_out_is_an_error_and_the_next_event_is_served(self, function: LambdaRuntime) -> None:
        invocation = function.invoke({"sleep": 30})
        assert invocation.error is not None
        assert invocation.error["errorMessage"] == "Task timed out after 3.00 seconds"
        assert function.invoke({}).error is None

    def test_events_from_several_threads_take_turns(self, function: LambdaRuntime) -> None:
        logs: list[str] = []
        names = ["a", "b", "c"]
        threads = [
            threading.Thread(target=lambda name: logs.append(function.invoke({"name": name}).log), args=(name,))
            for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(logs) == [f"seen {name}\nsecond line\n" for name in names]

    def test_a_handler_that_cannot_be_loaded_says_why(self, tmp_path: Path) -> None:
        (tmp_path / "broken.py").write_text("import no_such_package")
        with LambdaRuntime(LambdaFunction({}, code=tmp_path, handler="broken.handler")) as runtime:
            invocation = runtime.invoke({})
        assert invocation.error is not None
        assert "no_such_package" in invocation.error["errorMessage"]

    def test_outside_of_its_block_it_refuses(self) -> None:
        with pytest.raises(RigError, match="not running"):
            LambdaRuntime(LambdaFunction({})).invoke({})

    def test_the_answer_may_be_empty(self) -> None:
        assert interpret(200, "", "").payload is None

    def test_a_function_that_could_not_be_started_has_failed(self) -> None:
        error = interpret(502, "", "No module named awslambdaric").error
        assert error is not None
        assert "No module named awslambdaric" in error["errorMessage"]


def test_a_free_port_is_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", free_port()))


def test_the_function_is_told_about_the_rig(rig: Rig, tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text("import os\ndef handler(event, context): return dict(os.environ)")
    with rig.lambda_runtime({"INDEX_NAME": "logs"}, code=tmp_path, handler="probe.handler") as runtime:
        seen = runtime.invoke({}).payload
    assert seen["OPENSEARCH_ENDPOINT"] == rig.edge_url
    assert seen["OPENSEARCH_CA_FILE"] == str(rig.ca_file)
    assert seen["AWS_ACCESS_KEY_ID"] == rig.function_identity.access_key_id
    assert seen["AWS_SESSION_TOKEN"] == rig.function_identity.session_token
    assert json.dumps(seen).count(rig.function_identity.secret_access_key) == 1


def test_no_port_is_given_twice() -> None:
    given = [free_port() for _ in range(2_000)]
    assert len(set(given)) == len(given)


def test_a_free_port_is_free_while_other_threads_start_programs(tmp_path: Path) -> None:
    program = Program("true", ("/bin/true",), environment={}, logs=tmp_path, working_folder=tmp_path)
    over = threading.Event()

    def start_programs() -> None:
        while not over.is_set():
            with running(program) as child:
                child.process.wait()

    threads = [threading.Thread(target=start_programs) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2_000):
            with socket.socket() as taker:
                taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taker.bind(("127.0.0.1", free_port()))  # raises where somebody has it after all
    finally:
        over.set()
        for thread in threads:
            thread.join()
