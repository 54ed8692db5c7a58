"""The OpenSearch domain over HTTP: reads what is there, writes one step."""

from collections.abc import Mapping
from typing import Any

import requests

from eks_logs.endpoint import Endpoint, lacks_api, said
from eks_logs.errors import NotAllowed, NotProvided, Rejected
from eks_logs.opensearch.conflicts import ExistingIndex
from eks_logs.opensearch.ism_policy import FoundPolicy, found_policy, policy_path
from eks_logs.opensearch.server import SERVERLESS, Caller, Server, server_of
from eks_logs.opensearch.target import ROLE, TEMPLATE, Wanted
from eks_logs.plan import MAPPING_PATH, ROLE_PATH, Found, Step

_AUTHINFO_PATH = "/_plugins/_security/authinfo"
_SECURITY = "/_plugins/_security/"
# What tells our mapping from another.
_MAPPING_KEYS = "*.mappings.dynamic,*.mappings.properties.@log_stream.type"


class Domain:
    """A domain's REST API, as one caller may use it; every method raises a SetupError where it is refused.

    Args:
        endpoint: where it is, and who asks.
        serverless: whether it is a collection of OpenSearch Serverless.
    """

    def __init__(self, endpoint: Endpoint, *, serverless: bool = False) -> None:
        self._endpoint = endpoint
        self._server = SERVERLESS if serverless else None

    def server(self) -> Server:
        """What answers; asked for once.

        Raises:
            NotProvided: it is too old, or no OpenSearch.
        """
        if self._server is None:
            self._server = server_of(self._get("/"))
        return self._server

    def find(self, wanted: Wanted) -> Found:
        """Read what is there under our names, and what could stand in their way."""
        templates = self.templates()
        policy, has_ism = self._policy(wanted)
        return Found(
            role=None if wanted.role is None else self.role(),
            mapping=None if wanted.role is None else self.mapping(),
            template=templates.get(TEMPLATE),
            policy=policy,
            has_ism=has_ism,
            templates=templates,
            indices=self.indices(wanted.index),
        )

    def role(self) -> Mapping[str, Any] | None:
        """Our role; None where there is none."""
        found: Mapping[str, Any] | None = self._get(ROLE_PATH).get(ROLE)
        return found

    def mapping(self) -> Mapping[str, Any] | None:
        """Who has our role; None where nothing is said."""
        found: Mapping[str, Any] | None = self._get(MAPPING_PATH).get(ROLE)
        return found

    def templates(self) -> dict[str, Mapping[str, Any]]:
        """All composable index templates by name."""
        listed = self._get("/_index_template").get("index_templates", [])
        return {one["name"]: one["index_template"] for one in listed}

    def indices(self, index: str) -> tuple[ExistingIndex, ...]:
        """The indices whose names or aliases begin with a name."""
        aliases = self._get(f"/{index}*/_alias")
        mappings = self._get(f"/{index}*/_mapping?filter_path={_MAPPING_KEYS}")
        return tuple(
            _existing(name, about, mappings.get(name, {}).get("mappings", {}))
            for name, about in sorted(aliases.items())
        )

    def caller(self) -> Caller:
        """Who asks.

        Raises:
            NotProvided: there is no security plugin.
        """
        answer = self._get(_AUTHINFO_PATH)
        return Caller(str(answer.get("user_name") or "?"), frozenset(answer.get("backend_roles") or ()))

    def search(self, indices: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a search of indices, some of which may not exist."""
        path = f"/{indices}/_search?ignore_unavailable=true&allow_no_indices=true"
        return _content(self._endpoint.send("POST", path, body), path)

    def reaches_bulk(self) -> bool:
        """Send a bulk request with nothing in it, which stores nothing: OpenSearch refuses it, if it comes so far.

        Raises:
            NotAllowed: it is refused before: the signature, IAM or the domain's access policy.
        """
        response = self._endpoint.send("POST", "/_bulk", {})
        if response.status_code != requests.codes.bad_request:
            _content(response, "/_bulk")
        return True

    def apply(self, step: Step) -> None:
        """Make one change; to delete what is gone already is none."""
        path = self._path(step.path)
        response = self._endpoint.send(step.method, path, step.body)
        if step.method != "DELETE" or response.status_code != requests.codes.not_found:
            _content(response, path)

    def _policy(self, wanted: Wanted) -> tuple[FoundPolicy | None, bool]:
        """The retention policy, and whether the server knows of such; on Serverless nobody asks."""
        if self.server().is_serverless:
            return None, False
        try:
            return found_policy(self._get(policy_path(wanted.index))), True
        except NotProvided:
            return None, False

    def _get(self, path: str) -> dict[str, Any]:
        """The resource at a path; empty where there is none."""
        path = self._path(path)
        response = self._endpoint.send("GET", path)
        if response.status_code == requests.codes.not_found and not lacks_api(response):
            return {}
        return _content(response, path)

    def _path(self, path: str) -> str:
        return self._server.path(path) if self._server else path


def _existing(name: str, about: Mapping[str, Any], mapping: Mapping[str, Any]) -> ExistingIndex:
    dynamic, stream = mapping.get("dynamic"), mapping.get("properties", {}).get("@log_stream", {})
    return ExistingIndex(
        name=name,
        aliases=frozenset(about.get("aliases") or ()),
        dynamic=None if dynamic is None else str(dynamic).lower(),
        log_stream=stream.get("type"),
    )


def _content(response: requests.Response, path: str) -> dict[str, Any]:
    if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        raise NotAllowed(
            f"{response.status_code} at {path}: the caller may not do this; use the domain's master user "
            "(OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD) or an IAM role mapped to all_access (on Serverless, one "
            f"that a data access policy lets in). {said(response)}"
        )
    if lacks_api(response):
        raise NotProvided(_lacking(path))
    if not response.ok:
        raise Rejected(f"{response.status_code} at {path}: {said(response)}")
    try:
        content: dict[str, Any] = response.json()
    except requests.exceptions.JSONDecodeError:
        raise Rejected(f"what answers at {path} is not OpenSearch: check --endpoint. {said(response)}") from None
    return content


def _lacking(path: str) -> str:
    if path.startswith((_SECURITY, "/_opendistro/_security/")):
        return (
            f"{path} does not exist on this server: it has no security plugin; turn on fine-grained access control, "
            "which the function's rights depend on"
        )
    return f"{path} does not exist on this server"
