"""One HTTPS endpoint, as one caller may use it: Dashboards, which opensearch-py does not speak to, and questions."""

from collections.abc import Mapping
from typing import Any

import requests
from requests.auth import AuthBase

from eks_logs.opensearch.client import TIMEOUT_SECONDS, HttpSession, quote, unreachable


class Endpoint:
    """Sends requests to paths below a URL.

    Args:
        url: its address, `https://…`, with a path or without.
        auth: basic credentials or a SigV4 signature.
        ca_file: certificates to trust instead of the public ones.
        option: the option of the command line that names the URL, for the error's message.
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
        """
        try:
            return self._session.request(
                method,
                self.url + path,
                json=body,
                files=files,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except (requests.exceptions.RequestException, OSError) as error:
            raise unreachable(self.url, self._option, error) from None


def said(response: requests.Response) -> str:
    """What a server answered, as far as it fits one line."""
    return quote(response.text)
