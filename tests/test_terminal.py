"""What commands look like: in a narrow terminal, without colors, and pasted into another shell."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eks_logs.opensearch.index_template import TEMPLATE_PATH
from eks_logs.opensearch.role import ROLE_PATH
from eks_logs.opensearch.role_mapping import MAPPING_PATH
from local.child_process import SYSTEM_PATH
from local.lambda_runtime import TREE
from tests.wire_server import BARE, WireServer, wire_server

INDEX = "eks-control-plane-logs"
ROLE_ARN = "arn:aws:iam::111122223333:role/forwarder"
MASTER = {"OPENSEARCH_USERNAME": "o'hara", "OPENSEARCH_PASSWORD": "p"}
MISSING = (404, {"status": "NOT_FOUND"})


@pytest.fixture
def wire() -> Iterator[WireServer]:
    """A server that holds nothing of ours, and a template of others that is in the way."""
    theirs = {"index_patterns": ["eks-*"], "priority": 900}
    with wire_server() as server:
        server.answers = {
            ("GET", "/"): (200, BARE),
            ("GET", "/_plugins/_security/authinfo"): (200, {"user_name": "admin"}),
            ("GET", ROLE_PATH): MISSING,
            ("GET", MAPPING_PATH): MISSING,
            ("GET", f"/_plugins/_ism/policies/{INDEX}"): MISSING,
            ("GET", "/_index_template"): (
                200,
                {"index_templates": [{"name": "theirs", "index_template": theirs}]},
            ),
            ("GET", f"/{INDEX}*"): (200, {}),
            ("GET", "/_cluster/settings"): (200, {}),
            ("POST", f"/{INDEX}-2*/_search"): (200, {"hits": {}}),
            ("PUT", TEMPLATE_PATH): (200, {}),
        }
        yield server


def on_a_terminal(wire: WireServer, command: str, columns: int, environment: dict[str, str]) -> str:
    """What a command prints on a terminal of this width."""
    ours, theirs = os.openpty()
    base = {"PATH": SYSTEM_PATH, "PYTHONPATH": str(TREE / "src"), "COLUMNS": str(columns), "TERM": "xterm", **MASTER}
    arguments = [sys.executable, "-m", "eks_logs", command, "--endpoint", wire.url, "--role-arn", ROLE_ARN]
    with subprocess.Popen(arguments, env=base | environment, stdout=theirs, stderr=theirs):  # noqa: S603 - ours
        os.close(theirs)
        output = b""
        while chunk := _read(ours):
            output += chunk
    os.close(ours)
    return output.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the child has gone
        return b""


@pytest.mark.parametrize("columns", [40, 80])
def test_findings_fit_a_narrow_terminal_and_what_to_type_stays_whole(wire: WireServer, columns: int) -> None:
    output = on_a_terminal(wire, "check", columns, {})
    long = [line for line in output.splitlines() if len(line) > columns and len(line.split()) > 1]
    assert [line for line in long if not line.startswith("      fix: ")] == []
    assert any("eks-logs apply" in line and ROLE_ARN in line for line in long)
    assert "FAIL  template" in output


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colors_where_none_are_wanted(wire: WireServer, environment: dict[str, str]) -> None:
    assert "\x1b" in on_a_terminal(wire, "plan", 200, {})
    assert "\x1b" not in on_a_terminal(wire, "plan", 200, environment)


def installed(folder: Path) -> Path:
    """The command, as the only thing of ours on a PATH."""
    tool = folder / "bin" / "eks-logs"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nPYTHONPATH={TREE / "src"} exec {sys.executable} -m eks_logs "$@"\n')
    tool.chmod(0o755)
    return tool


def test_the_command_that_an_answer_prints_can_be_pasted(wire: WireServer, tmp_path: Path) -> None:
    found = {"total": {"value": 0}, "hits": []}
    counted = {"api_server": {"doc_count": 3}, "clusters": {"buckets": []}}
    wire.answers["POST", f"/{INDEX}*/_search"] = (
        200,
        {"_shards": {"total": 1}, "hits": found, "aggregations": counted},
    )
    tool = installed(tmp_path)
    environment = {"PATH": f"{tool.parent}:{SYSTEM_PATH}", "OPENSEARCH_PASSWORD": "p"}
    arguments = ["ask", "who-was-denied", "--endpoint", wire.url, "--cluster", "it's", "--last", "2h"]
    asked = subprocess.run(  # noqa: S603 - ours
        [str(tool), *arguments], env=environment | MASTER, capture_output=True, text=True, check=False
    )
    (command,) = re.findall(r"API server itself: (.*)", asked.stdout)
    wire.asked.clear()
    pasted = subprocess.run(["/bin/sh", "-c", command], env=environment, cwd="/", check=False)  # noqa: S603 - ours
    assert pasted.returncode == 0, command
    query = str(wire.asked[0][2])
    assert all(word in query for word in ("*system:apiserver*", "it's", "now-2h"))


def test_a_printed_command_does_the_same_in_a_fresh_shell(wire: WireServer, tmp_path: Path) -> None:
    tool = installed(tmp_path)
    shutil.copy(TREE / "LICENSE", tmp_path / "it's a ca.pem")
    options = ["--ca-file", "it's a ca.pem", "--index", INDEX, "--retention-days", "30", "--without-aws"]
    arguments = ["plan", "--endpoint", wire.url, "--role-arn", ROLE_ARN, *options]
    environment = {"PATH": f"{tool.parent}:{SYSTEM_PATH}", "AWS_REGION": "eu-west-1"}
    ran = subprocess.run(  # noqa: S603 - ours
        [str(tool), *arguments], env=environment | MASTER, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    command = ran.stdout.splitlines()[-1].partition(" to change: ")[2]
    assert re.match(r"OPENSEARCH_USERNAME='o'\"'\"'hara' eks-logs apply ", command), ran
    pasted = subprocess.run(  # noqa: S603 - ours
        ["/bin/sh", "-c", command.replace(" apply ", " plan ")],
        env={"PATH": environment["PATH"], "OPENSEARCH_PASSWORD": "p"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert pasted.stdout == ran.stdout
    assert pasted.returncode == ran.returncode == 1
