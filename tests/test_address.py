"""Addresses as people type them: one line that says what is wrong and what to type, and no password repeated."""

import pytest
from click.testing import CliRunner

from eks_logs.__main__ import main
from eks_logs.errors import NotUsable
from eks_logs.opensearch.address import dashboards_address, endpoint_address
from tests.operator_commands import MASTER, assert_one_line

ROLE_ARN = "arn:aws:iam::111122223333:role/forwarder"
HOST = "search-logs.eu-west-1.es.amazonaws.com"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (f"https://{HOST}", f"https://{HOST}"),
        (f" https://{HOST}/ \n", f"https://{HOST}"),
        (f"HTTPS://{HOST}:8443//", f"https://{HOST}:8443"),
        ("https://10.0.0.7", "https://10.0.0.7"),
        ("http://127.0.0.1:9200", "http://127.0.0.1:9200"),
        ("http://localhost:9200/", "http://localhost:9200"),
        ("http://[::1]:9200", "http://[::1]:9200"),
    ],
)
def test_what_is_an_endpoint(typed: str, read: str) -> None:
    assert endpoint_address(typed) == read


REFUSED = {
    f"http://{HOST}": f"in clear; give --endpoint https://{HOST}",
    "http://10.0.0.7:9200": "give --endpoint https://10.0.0.7:9200",
    "http://localhost.example.com": "give --endpoint https://localhost.example.com",
    "http://127.0.0.1.example.com": "give --endpoint https://127.0.0.1.example.com",
    HOST: f"give --endpoint https://{HOST}",
    f"{HOST}:443": f"give --endpoint https://{HOST}:443",
    f"//{HOST}/x": f"give --endpoint https://{HOST}",
    f"https:/{HOST}": "give --endpoint https://",
    "": "give --stack-name, or --endpoint",
    "https://": "--endpoint",
    f"ftp://{HOST}": "is not an https:// address",
    f"https://{HOST}:99999": "Port out of range",
    f"https://{HOST}/_dashboards": f"the address of Dashboards; give the domain's own: --endpoint https://{HOST}",
    f"https://{HOST}/_dashboards/app/home#/": f"--endpoint https://{HOST}",
    f"https://{HOST}/_plugin/kibana/": "the address of Dashboards",
    f"https://{HOST}/my-index/_search?q=x": f"give --endpoint https://{HOST}",
    f"https://{HOST}?pretty": f"give --endpoint https://{HOST}",
    "https://search logs.example.com": "--endpoint",
}


@pytest.mark.parametrize("typed", REFUSED)
@pytest.mark.parametrize("command", ["plan", "check", "destroy", "dashboards", "replay", "ask"])
def test_what_is_none_is_one_line_with_what_to_type(command: str, typed: str) -> None:
    arguments = {
        "replay": ["--bucket", "kept"],
        "ask": ["who-was-denied"],
        "dashboards": [],
    }.get(command, ["--role-arn", ROLE_ARN])
    result = CliRunner().invoke(main, [command, *arguments, "--endpoint", typed], env=MASTER)
    if not typed:
        assert REFUSED[typed] in result.output
        return
    assert_one_line(result, REFUSED[typed])


@pytest.mark.parametrize(
    "typed",
    [
        f"https://admin:s3cret@{HOST}",
        f"https://admin:s3cret@{HOST}/_dashboards",
        f"http://admin:s3cret@{HOST}",
        f"admin:s3cret@{HOST}",
        f"https://admin:s3cret/x@{HOST}",
        f"https://admin:s3cret#@{HOST}",
        f"https://admin:s3cret?@{HOST}:x",
        f"https://{HOST}?password=s3cret",
        f"https://{HOST}/#s3cret",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(typed: str) -> None:
    for option in ("--endpoint", "--dashboards-url"):
        arguments = ["dashboards", "--endpoint", f"https://{HOST}", option, typed, "--dashboards-url", typed]
        result = CliRunner().invoke(main, arguments, env=MASTER | {"HTTPS_PROXY": "http://127.0.0.1:9"})
        assert result.exit_code == 1
        assert "s3cret" not in result.output


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (f"https://{HOST}/_dashboards/", f"https://{HOST}/_dashboards"),
        (f"https://{HOST}/_dashboards/app/dashboards#/view/x", f"https://{HOST}/_dashboards"),
        ("https://dashboards.example.com", "https://dashboards.example.com"),
        ("https://dashboards.example.com/app", "https://dashboards.example.com"),
        ("http://127.0.0.1:5601/base", "http://127.0.0.1:5601/base"),
    ],
)
def test_what_is_an_address_of_dashboards(typed: str, read: str) -> None:
    assert dashboards_address(typed) == read


def test_dashboards_in_clear_is_refused() -> None:
    with pytest.raises(NotUsable, match=r"in clear; give --dashboards-url https://dashboards\.example\.com"):
        dashboards_address("http://dashboards.example.com/_dashboards")
