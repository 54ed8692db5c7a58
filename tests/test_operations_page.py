"""docs/operations.md names what there is: alarms, outputs, prefixes, and commands that AWS has.

What it says of the log and the metrics is tried in test_operations.py.
"""

import json
import re

import pytest
from botocore import xform_name
from botocore.session import get_session

from forwarder.delivery.dead_letters import PREFIX
from tests.operations_page import HEADINGS, PAGE, anchor, quoted, rows
from tests.stack_template import Json, alarms, read_template

TEMPLATE = read_template()
ALARMS = alarms(TEMPLATE)
SIGNS = {"GreaterThanThreshold": ">", "GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}


def shown(value: object) -> str:
    """A number, or the parameter that says it."""
    return str(value["Ref"] if isinstance(value, dict) else value)


def condition(alarm: Json) -> str:
    """When an alarm rings, as the page words it."""
    least, periods = shown(alarm["DatapointsToAlarm"]), shown(alarm["EvaluationPeriods"])
    comparison = f"{alarm['Statistic']} {SIGNS[alarm['ComparisonOperator']]} {shown(alarm['Threshold'])}"
    plural = "" if periods == "1" else "s"
    return (
        f"`{alarm['MetricName']}` {comparison}, in {least} of {periods} period{plural} of {alarm['Period'] // 60} min"
    )


def test_every_alarm_has_its_row_that_says_when_it_rings() -> None:
    expected = [[f"[{name}](#{anchor(name)})", condition(alarm)] for name, alarm in ALARMS.items()]
    assert [row[:2] for row in rows("Alarms")] == expected


def test_every_alarm_leads_to_its_section() -> None:
    ends = {name: alarm["AlarmDescription"].rpartition(" ")[2] for name, alarm in ALARMS.items()}
    assert ends == {name: f"docs/operations.md#{anchor(name)}" for name in ALARMS}
    assert set(ALARMS) <= set(HEADINGS)


def test_the_kept_records_are_where_the_page_says() -> None:
    prefixes = [quoted(row[0])[0] for row in rows("What is kept, and how to send it again")]
    policy = json.dumps(TEMPLATE["Resources"]["ForwarderRole"])
    assert prefixes[0] == f"{PREFIX}/"
    assert [prefix for prefix in prefixes if f"${{Bucket}}/{prefix}*" not in policy] == []


def test_links_lead_to_headings() -> None:
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= {anchor(heading) for heading in HEADINGS}


def test_outputs_that_commands_ask_for_are_the_stacks() -> None:
    assert set(re.findall(r"\boutput ([A-Z]\w+)", PAGE)) <= TEMPLATE["Outputs"].keys()


# Of the command line itself, not of an API.
OWN_COMMANDS = {("logs", "tail")}
OWN_OPTIONS = {"query", "output"}
COMMANDS = re.findall(r"\baws ([a-z0-9]+) ([a-z]+-[a-z-]+|tail)([^|\n`;]*)", PAGE)


@pytest.mark.parametrize(("service", "operation", "options"), COMMANDS, ids=[" ".join(one[:2]) for one in COMMANDS])
def test_a_command_is_one_that_aws_has(service: str, operation: str, options: str) -> None:
    if (service, operation) in OWN_COMMANDS:
        return
    model = get_session().get_service_model({"s3api": "s3"}.get(service, service))
    names = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(names[operation]).input_shape
    known = {xform_name(member, "-") for member in shape.members} if shape else set()
    assert set(re.findall(r" --([a-z-]+)", options)) - OWN_OPTIONS <= known
