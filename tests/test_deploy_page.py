"""Every command of docs/deploy.md is one that there is, with options that it has."""

import re
from pathlib import Path

import click
import pytest

from eks_logs.__main__ import main
from tests.stack_template import read_template

PAGE = (Path(__file__).parent.parent / "docs" / "deploy.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"eks-logs (\w+)([^|\n]*)", PAGE)


def test_the_page_tells_of_the_whole_life_of_a_deployment() -> None:
    assert {name for name, _ in COMMANDS} == {"plan", "apply", "check", "dashboards", "ask", "destroy"}


@pytest.mark.parametrize(("name", "arguments"), COMMANDS)
def test_each_command_is_there_with_its_options(name: str, arguments: str) -> None:
    command = main.commands[name]
    if isinstance(command, click.Group):
        command = command.commands[arguments.split(maxsplit=1)[0]]
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"--[\w-]+", arguments)) <= known


PARAMETERS = read_template()["Parameters"]
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
GIVEN = [(name, value) for name, value in re.findall(r"\b([A-Z][A-Za-z]+)=([^\s…]+)", BLOCKS) if value != "https://"]


def test_the_page_shows_how_to_set_what_only_some_need() -> None:
    assert {name for name, _ in GIVEN} >= {
        *("SubnetIds", "SecurityGroupIds", "PermissionsBoundaryArn", "ExistingBucketName", "FunctionArchitecture"),
        "CaLayerArn",
    }
    assert {"KmsKeyArn", "FilterPattern", "DocumentIds"} <= set(re.findall(r"`([A-Z]\w+)", PAGE))


@pytest.mark.parametrize(("name", "value"), GIVEN)
def test_each_parameter_is_one_that_the_stack_has_and_takes(name: str, value: str) -> None:
    parameter = PARAMETERS[name]
    assert value in parameter.get("AllowedValues", [value])
    each = value.split(",") if parameter["Type"] == "CommaDelimitedList" else [value]
    if not value.endswith(":"):  # the page leaves the rest of this one out
        assert all(re.search(parameter.get("AllowedPattern", ""), one) for one in each)
