"""What the function needs in OpenSearch: each resource is a class and the JSON beside it."""

import json
from importlib.resources import files
from typing import Any


def json_file(name: str) -> dict[str, Any]:
    """The content of a JSON file of this package."""
    content: dict[str, Any] = json.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))
    return content
