"""Every command of docs/deploy.md is one that there is, with options that it has."""

import re
from pathlib import Path

import pytest

from eks_logs.__main__ import main

PAGE = (Path(__file__).parent.parent / "docs" / "deploy.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"eks-logs (\w+)([^|\n]*)", PAGE)


def test_the_page_tells_of_the_whole_life_of_a_deployment() -> None:
    assert {name for name, _ in COMMANDS} == {"plan", "apply", "check", "dashboards", "destroy"}


@pytest.mark.parametrize(("name", "arguments"), COMMANDS)
def test_each_command_is_there_with_its_options(name: str, arguments: str) -> None:
    known = {option for parameter in main.commands[name].params for option in parameter.opts}
    assert set(re.findall(r"--[\w-]+", arguments)) <= known
