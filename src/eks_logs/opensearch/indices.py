"""The indices that are there, and what of them tells whether they are ours and can be written to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eks_logs.errors import NotThere
from eks_logs.opensearch.client import Client

# What forwarder.index_names.Index makes of a name.
_DATED = r"-\d{4}\.(w?\d\d)(\.\d\d)?"
_READ = (
    "*.aliases,*.mappings.dynamic,*.mappings.properties.@log_stream.type,*.mappings.properties.cluster,"
    "*.settings.index.provided_name,*.settings.index.verified_before_close,*.settings.index.blocks"
)
_WRITE_BLOCKS = ("read_only", "read_only_allow_delete", "write")


@dataclass(frozen=True, slots=True)
class ExistingIndex:
    """An index that is there.

    Attributes:
        dynamic: Of its mapping; None where that does not say.
        log_stream: The type of `@log_stream`; None where it is not mapped.
        cluster_field: The keyword that holds the cluster's name; None where there is none.
        refuses: Why it takes no documents: that it is closed, or its blocks.
    """

    name: str
    aliases: frozenset[str] = frozenset()
    dynamic: str | None = None
    log_stream: str | None = None
    cluster_field: str | None = None
    refuses: tuple[str, ...] = ()

    @property
    def is_mapped(self) -> bool:
        """Whether it has our mapping, rather than one that the server made of the first records."""
        return self.dynamic == "false" and self.log_stream == "text"


def belongs_to(name: str, index: str) -> bool:
    """Whether an index is the one of this name, or one of its dated ones."""
    return re.fullmatch(f"{re.escape(index)}({_DATED})?", name) is not None


def read_indices(client: Client, index: str) -> tuple[ExistingIndex, ...]:
    """The indices whose names or aliases begin with a name, closed ones too.

    Raises:
        SetupError: they could not be read.
    """
    try:
        found = client.api.indices.get(
            index=f"{index}*",
            params={"filter_path": _READ, "ignore_unavailable": "true", "expand_wildcards": "open,closed"},
        )
    except NotThere:  # as Serverless answers where there is none
        return ()
    return tuple(_existing(name, about) for name, about in sorted(found.items()))


def _existing(name: str, about: Mapping[str, Any]) -> ExistingIndex:
    mapping, settings = about.get("mappings") or {}, (about.get("settings") or {}).get("index") or {}
    properties, dynamic = mapping.get("properties") or {}, mapping.get("dynamic")
    blocks = settings.get("blocks") or {}
    closed = ["closed"] if str(settings.get("verified_before_close")).lower() == "true" else []
    return ExistingIndex(
        name=name,
        aliases=frozenset(about.get("aliases") or ()),
        dynamic=None if dynamic is None else str(dynamic).lower(),
        log_stream=(properties.get("@log_stream") or {}).get("type"),
        cluster_field=_keyword("cluster", properties.get("cluster") or {}),
        refuses=(*closed, *(f"index.blocks.{one}" for one in _WRITE_BLOCKS if str(blocks.get(one)).lower() == "true")),
    )


def _keyword(name: str, mapping: Mapping[str, Any]) -> str | None:
    """A text's words are found one by one: cluster prod would be found in the records of prod-eu, too."""
    if mapping.get("type") == "keyword":
        return name
    subfield = (mapping.get("fields") or {}).get("keyword") or {}
    return f"{name}.keyword" if subfield.get("type") == "keyword" else None
