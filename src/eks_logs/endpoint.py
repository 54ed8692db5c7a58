"""One HTTPS endpoint, as one caller may use it."""

from collections.abc import Mapping
from typing import Any

import requests
from requests.auth import AuthBase

from eks_logs.errors import NotReachable

_TIMEOUT_SECONDS = 30


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
        self._session = requests.Session()
        self._session.auth = auth
        self._verify = ca_file or True
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
                timeout=_TIMEOUT_SECONDS,
                verify=self._verify,
                allow_redirects=False,
            )
        except requests.exceptions.RequestException as error:
            raise NotReachable(self._unreachable(error)) from None

    def _unreachable(self, error: requests.exceptions.RequestException) -> str:
        if isinstance(error, requests.exceptions.SSLError):
            return f"{self.url} has no certificate that is trusted here; name its authority with --ca-file ({error})"
        return (
            f"no answer from {self.url}; check {self._option} and that this machine can reach it "
            f"({type(error).__name__})"
        )


def said(response: requests.Response) -> str:
    """What a server answered, as far as it fits one line."""
    return f"The server said: {' '.join(response.text.split())[:300]}"


def lacks_api(response: requests.Response) -> bool:
    """Whether the server says that it knows no such path, as OpenSearch does."""
    return response.status_code >= requests.codes.bad_request and "no handler found for uri" in response.text
