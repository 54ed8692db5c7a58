"""template.yaml, read as plain data."""

from typing import Any

import yaml

from local.lambda_runtime import TREE

Json = dict[str, Any]


class CloudFormationLoader(yaml.SafeLoader):
    """Reads `!Ref x` as {"Ref": "x"} and `!Sub x` as {"Fn::Sub": "x"}, the long forms of CloudFormation."""


def long_form(loader: CloudFormationLoader, name: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.SequenceNode):
        return {f"Fn::{name}": loader.construct_sequence(node, deep=True)}
    if not isinstance(node, yaml.ScalarNode):
        raise TypeError(f"!{name} at {node.start_mark} is no plain value: teach long_form to read it")
    value = str(loader.construct_scalar(node))
    if name == "Ref":
        return {"Ref": value}
    return {f"Fn::{name}": value.split(".", 1) if name == "GetAtt" else value}


CloudFormationLoader.add_multi_constructor("!", long_form)


def read_template() -> Json:
    """The template as it is written, before SAM makes CloudFormation of it."""
    loader = CloudFormationLoader((TREE / "template.yaml").read_text(encoding="utf-8"))
    source: Json = loader.get_single_data()
    return source


NO_VALUE = {"Ref": "AWS::NoValue"}


def resolved(value: Any, true: frozenset[str] = frozenset()) -> Any:
    """A part of a template with every `Fn::If` decided, by the names of the conditions that are true."""
    if isinstance(value, list):
        return [item for item in (resolved(item, true) for item in value) if item != NO_VALUE]
    if not isinstance(value, dict):
        return value
    if "Fn::If" in value:
        condition, then, otherwise = value["Fn::If"]
        return resolved(then if condition in true else otherwise, true)
    members = {name: resolved(member, true) for name, member in value.items()}
    return {name: member for name, member in members.items() if member != NO_VALUE}


def alarms(template: Json) -> dict[str, Json]:
    """The properties of every alarm, by its name without the stack's."""
    found = [resource for resource in template["Resources"].values() if resource["Type"] == "AWS::CloudWatch::Alarm"]
    named = {alarm["Properties"]["AlarmName"]["Fn::Sub"]: alarm["Properties"] for alarm in found}
    return {name.removeprefix("${AWS::StackName}-"): properties for name, properties in named.items()}
