"""The OpenSearch domain over HTTP: reads what is there, writes one step."""

from typing import Any

import requests
from requests.auth import AuthBase

from opensearch_setup.endpoint import Endpoint, said
from opensearch_setup.errors import NotAllowed, NotProvided, Rejected
from opensearch_setup.plan import MAPPING_PATH, ROLE_PATH, TEMPLATE_PATH, Found, Step
from opensearch_setup.wanted import ROLE


class Domain:
    """A domain's REST API, as one caller may use it.

    Args:
        endpoint: its address, `https://…`.
        auth: basic credentials or a SigV4 signature.
        ca_file: certificates to trust instead of the public ones.
    """

    def __init__(self, endpoint: str, auth: AuthBase, ca_file: str | None = None) -> None:
        self._endpoint = Endpoint(endpoint, auth, ca_file)

    def find(self) -> Found:
        """Read what is there under our names."""
        templates = self._get(TEMPLATE_PATH).get("index_templates", [])
        return Found(
            role=self._get(ROLE_PATH).get(ROLE),
            mapping=self._get(MAPPING_PATH).get(ROLE),
            template=templates[0]["index_template"] if templates else None,
        )

    def apply(self, step: Step) -> None:
        """Make one change."""
        _content(self._endpoint.send("PUT", step.path, step.body), step.path)

    def _get(self, path: str) -> dict[str, Any]:
        """The resource at a path; empty where there is none."""
        response = self._endpoint.send("GET", path)
        if response.status_code == requests.codes.not_found and not _lacks_api(response):
            return {}
        return _content(response, path)


def _content(response: requests.Response, path: str) -> dict[str, Any]:
    if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        raise NotAllowed(
            f"{response.status_code} at {path}: the caller may not do this; use the domain's master user "
            f"(OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD) or an IAM role mapped to all_access. {said(response)}"
        )
    if _lacks_api(response):
        raise NotProvided(
            f"{path} does not exist on this server: it has no security plugin with fine-grained access control "
            "(OpenSearch Serverless has none: there, data access policies take the role's place)"
        )
    if not response.ok:
        raise Rejected(f"{response.status_code} at {path}: {said(response)}")
    content: dict[str, Any] = response.json()
    return content


def _lacks_api(response: requests.Response) -> bool:
    return response.status_code >= requests.codes.bad_request and "no handler found for uri" in response.text
