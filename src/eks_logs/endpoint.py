"""Dashboards, as one caller may use it: HTTP of its own, since opensearch-py speaks to OpenSearch alone."""

from collections.abc import Mapping

import requests
from botocore.exceptions import BotoCoreError
from requests.auth import AuthBase

from eks_logs.opensearch.client import TIMEOUT_SECONDS, HttpSession, failure, quote


class Endpoint:
    """Sends requests to paths below a URL.

    Args:
        url: its address, `https://…`, with a path or without.
        auth: basic credentials or a SigV4 signature.
        ca_file: certificates to trust instead of the public ones.
    """

    def __init__(self, url: str, auth: AuthBase, ca_file: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._session = HttpSession(ca_file)
        self._session.auth = auth

    def post(
        self, path: str, files: Mapping[str, tuple[str, bytes, str]], headers: Mapping[str, str]
    ) -> requests.Response:
        """The answer to a form, whatever its status; a redirection is not followed.

        Args:
            path: Below the URL, with a leading slash.
            files: Sent as multipart/form-data: of each field the file's name, content and type.
            headers: Further ones.

        Raises:
            NotReachable: there is no answer, or no trusted TLS connection.
            NotAllowed: there are no AWS credentials to sign with.
        """
        try:
            return self._session.post(
                self.url + path, files=files, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except (requests.exceptions.RequestException, BotoCoreError, OSError) as error:
            raise failure(error, self.url, path, "--dashboards-url") from None


def said(response: requests.Response) -> str:
    """What a server answered, as far as it fits one line."""
    return quote(response.text)
