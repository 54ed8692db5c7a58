"""Importing saved objects into OpenSearch Dashboards.

Source: OpenSearch-Dashboards, core/server/saved_objects/routes/import.ts and import/types.ts (request and answer);
security-dashboards-plugin, server/multitenancy/tenant_resolver.ts (tenants).
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import requests

from eks_logs.endpoint import Endpoint, said
from eks_logs.errors import NotAllowed, NotProvided, Rejected
from eks_logs.opensearch.client import Client, is_page, refusal

SavedObject: TypeAlias = dict[str, Any]
"""`id`, `type`, `attributes`, `references` and `migrationVersion`."""

SAVED_OBJECTS = Path(__file__).parent / "resources" / "saved_objects.ndjson"
"""What is imported, an object a line; `make dashboards` writes it."""

IMPORT_PATH = "/api/saved_objects/_import?overwrite=true"
"""Objects of the same type and id are replaced, and no others: the ids in our file are ours."""

_OF_EVERY_USER = ("global", "private")


def import_objects(dashboards: Endpoint, ndjson: str, tenant: str) -> int:
    """Import saved objects.

    Args:
        dashboards: Where Dashboards is: on a domain its address and `/_dashboards`.
        ndjson: The objects, one a line.
        tenant: Where they go: `global`, `private`, or a tenant of the domain.

    Returns:
        How many were imported.

    Raises:
        NotReachable: there is no answer.
        NotAllowed: the caller may not, or would have to log in on a page.
        NotProvided: there is no Dashboards at that address.
        Rejected: any other answer, or some of the objects were not imported.
    """
    file = {"file": ("saved_objects.ndjson", ndjson.encode(), "application/x-ndjson")}
    headers = {"osd-xsrf": "true", "securitytenant": tenant}
    answer = _content(dashboards.post(IMPORT_PATH, file, headers), dashboards.url)
    if not answer["success"]:
        raise Rejected(_failures(answer.get("errors", []), answer["successCount"]))
    return int(answer["successCount"])


def dashboards_in(ndjson: str) -> Iterator[tuple[str, str]]:
    """The title and the id of each dashboard among saved objects, one a line."""
    for saved in map(json.loads, ndjson.splitlines()):
        if saved["type"] == "dashboard":
            yield saved["attributes"]["title"], saved["id"]


def check_tenant(client: Client, tenant: str) -> None:
    """Refuse a tenant that the caller cannot use: Dashboards would take another one and say nothing.

    Raises:
        SetupError: OpenSearch does not say which there are.
        NotAllowed: the caller has no such tenant.
    """
    if tenant in _OF_EVERY_USER:
        return
    tenants = client.api.security.authinfo().get("tenants") or {}
    if tenant not in tenants:
        raise NotAllowed(
            f"the caller has no tenant {tenant}; it may use {', '.join(sorted({*tenants, *_OF_EVERY_USER}))}"
        )


def _content(response: requests.Response, url: str) -> dict[str, Any]:
    is_answer = _is_json(response) and not is_page(response.text)
    if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden) and not is_page(response.text):
        advice = (
            "the caller may not write saved objects there; use the domain's master user (OPENSEARCH_USERNAME and "
            "OPENSEARCH_PASSWORD) or a role that may write to the tenant"
        )
        raise refusal(response.status_code, "from Dashboards", said(response), advice)
    if response.is_redirect:
        raise NotAllowed(
            f"{url} wants a person to log in (SAML or Cognito); use the master user or an IAM role with --profile, or "
            "import the file by hand: Dashboards Management, Saved objects, Import"
        )
    if response.status_code == requests.codes.not_found or not is_answer or "no handler found for uri" in response.text:
        raise NotProvided(
            f"{response.status_code} and no Dashboards at {url}; give its address with --dashboards-url, on a domain "
            "https://<endpoint>/_dashboards"
        )
    if not response.ok:
        raise Rejected(f"{response.status_code} from Dashboards. {said(response)}")
    try:
        content = response.json()
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not {"success", "successCount"} <= content.keys():
        raise NotProvided(f"what answers at {url} is not Dashboards; give its address with --dashboards-url")
    return content


def _is_json(response: requests.Response) -> bool:
    return response.headers.get("content-type", "").startswith("application/json")


def _failures(errors: list[Mapping[str, Any]], imported: int) -> str:
    """What was not imported, and why, in one line."""
    each = "; ".join(f"{one['type']} {one['id']} ({_title(one)}): {_why(one['error'])}" for one in errors)
    return f"{imported} saved objects imported, {len(errors)} not: {each}"


def _title(error: Mapping[str, Any]) -> str:
    return str(error.get("title") or error.get("meta", {}).get("title") or "no title")


def _why(error: Mapping[str, Any]) -> str:
    """The kind of error, and what the server adds to it."""
    missing = ", ".join(f"{reference['type']} {reference['id']}" for reference in error.get("references", []))
    return " ".join(filter(None, (error["type"], error.get("message", ""), missing)))
