"""`eks-logs`: the command line for operators."""

import os

import click

from eks_logs.commands.ask import ask_command
from eks_logs.commands.check import check_command
from eks_logs.commands.dashboards import dashboards_command
from eks_logs.commands.destroy import destroy_command
from eks_logs.commands.plan_apply import apply_command, plan_command
from eks_logs.commands.replay import replay_command
from eks_logs.errors import SetupError
from forwarder.version import VERSION

# What a shell reports for a program that SIGINT ended: 128 and the signal's number.
_INTERRUPTED = 130


class Commands(click.Group):
    """Commands whose errors are one line on standard error and exit status 1; all of them may be interrupted."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command that was asked for."""
        if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":  # https://no-color.org
            ctx.color = False
        try:
            return super().invoke(ctx)
        except SetupError as error:
            raise click.ClickException(str(error)) from None
        except KeyboardInterrupt:
            click.echo("interrupted: run it again to go on", err=True)
            ctx.exit(_INTERRUPTED)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    commands=[
        plan_command,
        apply_command,
        check_command,
        dashboards_command,
        ask_command,
        replay_command,
        destroy_command,
    ],
)
@click.version_option(VERSION, message="%(prog)s %(version)s")
def main() -> None:
    """Prepare OpenSearch for the function, and look after what the function sends there."""


if __name__ == "__main__":
    main(prog_name="eks-logs")
