"""`dashboards`: the data view, dashboards and saved searches, imported."""

import json
import os

import click

from eks_logs.commands.connection import Connection, connected
from eks_logs.commands.output import json_option
from eks_logs.dashboards import SAVED_OBJECTS, check_tenant, dashboards_in, import_objects
from eks_logs.endpoint import Endpoint
from eks_logs.opensearch.address import dashboards_address


@click.command("dashboards")
@connected
@click.option("--dashboards-url", help="Where Dashboards is, if not at <endpoint>/_dashboards")
@click.option("--tenant", default="global", show_default=True, help="global, private, or the name of a tenant")
@json_option
def dashboards_command(connection: Connection, dashboards_url: str | None, tenant: str, *, as_json: bool) -> None:
    """Import the data view, the dashboards and a saved search for each question.

    What has the same id is replaced, nothing else is touched. The dashboard of the EKS workshop and its data view are
    among them: links to it go on working.
    """
    url = dashboards_address(dashboards_url) if dashboards_url else f"{connection.endpoint}/_dashboards"
    auth = connection.caller(os.environ)
    check_tenant(connection.client(auth), tenant)
    endpoint = Endpoint(url, auth, connection.ca_file)
    ndjson = SAVED_OBJECTS.read_text(encoding="utf-8")
    imported = import_objects(endpoint, ndjson, tenant)
    links = {title: f"{endpoint.url}/app/dashboards#/view/{name}" for title, name in dashboards_in(ndjson)}
    if as_json:
        click.echo(json.dumps({"imported": imported, "tenant": tenant, "dashboards": links}, indent=2))
        return
    click.echo(f"{imported} saved objects imported into the tenant {tenant}")
    for title, link in links.items():
        click.echo(f"{title}: {link}")
