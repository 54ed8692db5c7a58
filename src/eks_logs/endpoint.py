"""One HTTPS endpoint, as one caller may use it: Dashboards, which opensearch-py does not speak to, and questions."""

from collections.abc import Mapping
from typing import Any

import requests
from botocore.exceptions import BotoCoreError
from requests.auth import AuthBase

from eks_logs.errors import NotOpenSearch
from eks_logs.opensearch.client import TIMEOUT_SECONDS, HttpSession, failure, not_opensearch, quote


class Endpoint:
    """Sends requests to paths below a URL.

    Args:
        url: its address, `https://…`, with a path or without.
        auth: basic credentials or a SigV4 signature.
        ca_file: certificates to trust instead of the public ones.
        option: the option of the command line that names the URL, for the error's message; with `--endpoint`, what
            answers must be OpenSearch.
    """

    def __init__(self, url: str, auth: AuthBase, ca_file: str | None = None, option: str = "--endpoint") -> None:
        self.url = url.rstrip("/")
        self._session = HttpSession(ca_file)
        self._session.auth = auth
        self._option = option

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer to a request, whatever its status; a redirection is not followed.

        Args:
            method: Of HTTP.
            path: Below the URL, with a leading slash.
            body: Sent as JSON.
            files: Sent as multipart/form-data: of each field the file's name, content and type.
            headers: Further ones.

        Raises:
            NotReachable: there is no answer, or no trusted TLS connection.
            NotOpenSearch: something else answered.
        """
        try:
            answer = self._session.request(
                method,
                self.url + path,
                json=body,
                files=files,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except (requests.exceptions.RequestException, BotoCoreError, OSError) as error:
            raise failure(error, self.url, path, self._option) from None
        if self._option == "--endpoint" and (stranger := _stranger(answer, self.url, path)):
            raise stranger
        return answer


def _stranger(answer: requests.Response, site: str, path: str) -> NotOpenSearch | None:
    """Who answered, where it was not OpenSearch, which answers JSON objects, or a refusal in one line of text."""
    try:
        content = answer.json()
    except (ValueError, RecursionError):
        content = None
    stranger = not_opensearch(answer.status_code, content, answer.text, site, path)
    is_whole = isinstance(content, dict) and ("_shards" in content or not path.endswith("/_search"))
    if stranger is None and answer.ok and not is_whole:
        return NotOpenSearch(f"what answers at {site}{path} is not OpenSearch; check --endpoint. {quote(answer.text)}")
    return stranger


def said(response: requests.Response) -> str:
    """What a server answered, as far as it fits one line."""
    return quote(response.text)
