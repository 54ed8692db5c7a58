"""Write docs/schema.md, the page about every field of the index template.

    python -m tools.schema

Names and types come from the index template, meanings and examples from docs/schema.toml.
"""

import json
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

TREE = Path(__file__).parent.parent
TEMPLATE = TREE / "src" / "eks_logs" / "opensearch" / "index_template.json"
DESCRIPTIONS = TREE / "docs" / "schema.toml"
PAGE = TREE / "docs" / "schema.md"

HEAD = "<!-- Written by `make schema` from the index template and docs/schema.toml: change those, not this. -->"

Properties: TypeAlias = Mapping[str, Any]
"""The `properties` of an OpenSearch mapping, or the mapping of one of them."""


@dataclass(frozen=True, slots=True)
class Field:
    """A described field: its full name, and the log types whose documents may have it."""

    name: str
    meaning: str
    example: object
    log_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Fields that stand together on the page; `likewise` are those of the other prefixes, which it does not repeat."""

    title: str
    about: str
    always: bool
    fields: tuple[Field, ...]
    likewise: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """What docs/schema.toml says."""

    introduction: str
    tables: tuple[Table, ...]

    def fields(self) -> Iterator[Field]:
        """Every field, whether the page shows it or not."""
        for table in self.tables:
            yield from (*table.fields, *table.likewise)


def mapped_fields(properties: Properties, path: str = "") -> dict[str, Properties]:
    """The fields of a mapping by their full names, as a query says them; objects only where they are not searched."""
    fields: dict[str, Properties] = {}
    for name, mapping in properties.items():
        if "properties" in mapping:
            fields |= mapped_fields(mapping["properties"], f"{path}{name}.")
        else:
            fields[f"{path}{name}"] = mapping
    return fields


def read_template() -> dict[str, Properties]:
    """The fields of the index template."""
    template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    return mapped_fields(template["template"]["mappings"]["properties"])


def read_schema(descriptions: Mapping[str, Any]) -> Schema:
    """The descriptions of docs/schema.toml, as `tomllib` reads them."""
    return Schema(descriptions["introduction"].strip(), tuple(map(_table, descriptions["tables"])))


def _table(table: Mapping[str, Any]) -> Table:
    shown, *others = [_fields(table, prefix) for prefix in table.get("prefixes", [""])]
    return Table(
        title=table["title"],
        about=table.get("about", ""),
        always=table.get("always", False),
        fields=shown,
        likewise=tuple(field for fields in others for field in fields),
    )


def _fields(table: Mapping[str, Any], prefix: str) -> tuple[Field, ...]:
    return tuple(
        Field(prefix + name, said["meaning"], said["example"], tuple(said.get("log_types", table["log_types"])))
        for name, said in table["fields"].items()
    )


def mismatches(mapped: Mapping[str, Properties], schema: Schema) -> list[str]:
    """What the index template and the descriptions do not agree on, a line each."""
    described = Counter(field.name for field in schema.fields())
    return [
        *(f"{name} is in the index template and not in docs/schema.toml" for name in sorted(mapped - described.keys())),
        *(f"{name} is in docs/schema.toml and not in the index template" for name in sorted(described - mapped.keys())),
        *(f"{name} is described {times} times" for name, times in described.items() if times > 1),
    ]


def page(mapped: Mapping[str, Properties], schema: Schema) -> str:
    """The page, in Markdown. Every described field must be mapped."""
    parts = [HEAD, "# Fields", schema.introduction]
    for table in schema.tables:
        parts += [f"## {table.title}", *filter(None, (_applies_to(table), table.about)), _rows(mapped, table)]
    return "\n\n".join(parts) + "\n"


def _applies_to(table: Table) -> str:
    """The line under the heading; none where the log types differ and stand in a column, or it is all of them."""
    if table.always or _log_types_differ(table):
        return ""
    return f"Log types: {_log_types(table.fields[0])}."


def _log_types_differ(table: Table) -> bool:
    return len({field.log_types for field in table.fields}) > 1


def _log_types(field: Field) -> str:
    return "all" if "unknown" in field.log_types else ", ".join(f"`{name}`" for name in field.log_types)


def _rows(mapped: Mapping[str, Properties], table: Table) -> str:
    has_column = _log_types_differ(table)
    header = ["field", "type", *(["log types"] if has_column else []), "meaning", "example"]
    rows = [header, ["---"] * len(header)]
    for field in table.fields:
        log_types = [_log_types(field)] if has_column else []
        rows.append([f"`{field.name}`", _type(mapped[field.name]), *log_types, field.meaning, _example(field.example)])
    return "\n".join("| " + " | ".join(_cell(text) for text in row) + " |" for row in rows)


def _cell(text: str) -> str:
    """The text as a cell of a table takes it."""
    return text.replace("|", "\\|")


def _type(mapping: Properties) -> str:
    if mapping.get("enabled") is False:
        return "in `_source` only"
    return " ".join([mapping["type"], *(f"`.{name}`" for name in mapping.get("fields", {}))])


def _example(example: object) -> str:
    text = example if isinstance(example, str) else json.dumps(example, ensure_ascii=False)
    return f"`{text}`"


def main() -> int:
    """Write the page; the exit status is 1 where template and descriptions do not agree."""
    mapped, schema = read_template(), read_schema(tomllib.loads(DESCRIPTIONS.read_text(encoding="utf-8")))
    if wrong := mismatches(mapped, schema):
        sys.stderr.write("\n".join(wrong) + "\n")
        return 1
    PAGE.write_text(page(mapped, schema), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
