"""docs/operations.md, read as what it claims: its sections, tables, commands and queries."""

import re

from local.lambda_runtime import TREE

PAGE = (TREE / "docs" / "operations.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)


def anchor(heading: str) -> str:
    """What GitHub makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def rows(heading: str) -> list[list[str]]:
    """The cells of all tables under a heading, up to the next one, without their heads."""
    _, _, text = PAGE.partition(f"# {heading}\n")
    lines = [line for line in re.split(r"^#+ ", text, flags=re.MULTILINE)[0].splitlines() if line.startswith("|")]
    heads = {number + step for number, line in enumerate(lines) if line.startswith("|---") for step in (-1, 0)}
    return [line.strip("| ").split(" | ") for number, line in enumerate(lines) if number not in heads]


def quoted(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, less what they are indented by."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)
    return [re.sub(r"^  (?=[^|])", "", block, flags=re.MULTILINE) for block in found]
