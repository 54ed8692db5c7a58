"""`dashboards`: the data view, dashboards and saved searches, imported."""

import os

import click

from eks_logs.commands.connection import Connection, connected
from eks_logs.dashboards import SAVED_OBJECTS, check_tenant, dashboards_in, import_objects
from eks_logs.endpoint import Endpoint


@click.command("dashboards")
@connected
@click.option("--dashboards-url", help="Where Dashboards is, if not at <endpoint>/_dashboards")
@click.option("--tenant", default="global", show_default=True, help="global, private, or the name of a tenant")
def dashboards_command(connection: Connection, dashboards_url: str | None, tenant: str) -> None:
    """Import the data view, the dashboards and a saved search for each question.

    What has the same id is replaced, nothing else is touched. The dashboard of the EKS workshop and its data view are
    among them: links to it go on working.
    """
    auth, url = connection.caller(os.environ), dashboards_url or f"{connection.endpoint}/_dashboards"
    check_tenant(Endpoint(connection.endpoint, auth, connection.ca_file), tenant)
    endpoint = Endpoint(url, auth, connection.ca_file, "--dashboards-url")
    ndjson = SAVED_OBJECTS.read_text(encoding="utf-8")
    imported = import_objects(endpoint, ndjson, tenant)
    click.echo(f"{imported} saved objects imported into the tenant {tenant}")
    for title, name in dashboards_in(ndjson):
        click.echo(f"{title}: {endpoint.url}/app/dashboards#/view/{name}")
