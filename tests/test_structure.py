"""The layers of the function: a module imports only modules of rows below its own."""

import ast
from pathlib import Path

import pytest

FORWARDER = Path(__file__).parent.parent / "src" / "forwarder"

ROWS = (
    ("handler",),
    ("execution_environment",),
    ("delivery", "opensearch", "telemetry"),
    ("dead_letters", "in_flight", "pace"),
    ("outcomes", "settings"),
    ("bulk", "verdicts"),
    ("pipeline",),
    ("documents",),
    ("audit_block",),
    ("redaction.redactor",),
    ("redaction.json_secrets",),
    ("redaction.texts",),
    ("redaction.manifests",),
    ("redaction.assignments", "redaction.command_lines"),
    ("redaction.files", "redaction.go_dumps", "redaction.literals", "redaction.sql"),
    ("redaction.json_text", "redaction.looks", "redaction.values"),
    ("actor", "rbac", "redaction.names", "sentences", "workload", "parsers.audit", "parsers.klog", "parsers.logfmt"),
    (
        "audit_event",
        "field_shapes",
        "go_strings",
        "index_names",
        "json_patch",
        "log_headers",
        "control_plane",
        "endpoints",
        "redaction.own_rules",
        "redaction.programs",
        "redaction.rules",
        "subscription",
    ),
    ("deflate", "json_values", "repetitions", "errors"),
)
ROW_OF = {module: row for row, modules in enumerate(ROWS) for module in modules}
# What a package shows is imported by its own name.
ROW_OF["redaction"] = ROW_OF["redaction.redactor"]
PURE_FROM = ROW_OF["outcomes"]
IMPURE = {"os", "time", "random", "socket", "boto3", "opensearchpy", "requests", "aws_lambda_powertools"}

MODULES = {
    ".".join(path.relative_to(FORWARDER).with_suffix("").parts): path
    for path in FORWARDER.rglob("*.py")
    if path.name != "__init__.py"
}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_every_module_has_its_row() -> None:
    assert {*MODULES, "redaction"} == set(ROW_OF)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    ours = {name.removeprefix("forwarder.") for name in imported(MODULES[module]) if name.startswith("forwarder.")}
    assert {name for name in ours if ROW_OF[name] <= ROW_OF[module]} == set()


@pytest.mark.parametrize("module", [module for module in MODULES if ROW_OF[module] >= PURE_FROM])
def test_below_the_edge_there_is_no_input_or_output(module: str) -> None:
    assert {name.split(".")[0] for name in imported(MODULES[module])} & IMPURE == set()


def test_the_handler_is_read_in_one_go() -> None:
    assert len(MODULES["handler"].read_text().splitlines()) < 60
