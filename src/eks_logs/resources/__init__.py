"""What is installed in OpenSearch, as the JSON that its API takes."""

import json
from importlib.resources import files
from typing import Any


def resource(name: str) -> dict[str, Any]:
    """The content of a JSON file of this package."""
    content: dict[str, Any] = json.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))
    return content
