"""Secrets as YAML manifests, in a ConfigMap or in Helm's values: what stands below `data` and `stringData`."""

import re
from itertools import pairwise

from forwarder.redaction.assignments import NEXT_LINE
from forwarder.redaction.rules import MARK, Rule, Tell, replaced

_SECRET_KIND = re.compile(r"^[ \t]*(?:-[ \t]+)?kind:[ \t]*[\"']?Secret(?:List)?[\"']?[ \t]*\r?$", re.MULTILINE)
_DOCUMENTS = re.compile(r"^---", re.MULTILINE)
_SECRET_DATA = re.compile(
    r"^(?P<indent>[ \t]*(?:-[ \t]+)?)(?:data|stringData):[ \t]*(?P<flow>\{[^\n]*)?\r?$", re.MULTILINE
)
_NO_DATA = ("", '""', "''", MARK, "null", "~")
_ENTRY = re.compile(r"\r?\n(?P<indent>[ \t]+)(?P<head>[\"']?[\w.-]{1,253}[\"']?:[ \t]*)(?P<value>[^\r\n]*)")


_GENERATOR = re.compile(r"^secretGenerator:", re.MULTILINE)
_NEXT_FIELD = re.compile(r"^[A-Za-z]", re.MULTILINE)
_LITERAL = re.compile(r"^[ \t]*-[ \t]+[\"']?[\w.-]+=(?P<value>[^\r\n]+)", re.MULTILINE)


def redact_manifests(text: str, tell: Tell) -> str:
    """The values of `data` and `stringData` in YAML manifests of kind Secret."""
    text = _redact_generators(text, tell)
    if _SECRET_KIND.search(text) is None:
        return text
    bounds = [0, *(match.start() for match in _DOCUMENTS.finditer(text)), len(text)]
    documents = [text[begin:end] for begin, end in pairwise(bounds)]
    return "".join(
        _redact_manifest(document, tell) if _SECRET_KIND.search(document) is not None else document
        for document in documents
    )


def _redact_generators(text: str, tell: Tell) -> str:
    """The literals of Kustomize's `secretGenerator`."""
    edits: list[tuple[int, int, str]] = []
    for generator in _GENERATOR.finditer(text):
        end = _NEXT_FIELD.search(text, generator.end())
        literals = _LITERAL.finditer(text, generator.end(), end.start() if end is not None else len(text))
        edits += ((*literal.span("value"), MARK) for literal in literals if not literal["value"].startswith(MARK))
    if edits:
        tell(Rule.SECRET_MANIFEST)
    return replaced(text, edits)


def _redact_manifest(document: str, tell: Tell) -> str:
    pieces: list[str] = []
    done = 0
    for data in _SECRET_DATA.finditer(document):
        if data.start() < done:
            continue
        if data["flow"]:
            found = [(data.start("flow") + 1, data.end("flow") - data["flow"].endswith("}"))]
        else:
            found = _entries(document, data)
        for begin, end in found:
            pieces += (document[done:begin], MARK)
            done = end
            tell(Rule.SECRET_MANIFEST)
    return "".join(pieces) + document[done:]


def _entries(document: str, data: re.Match[str]) -> list[tuple[int, int]]:
    """Where the values stand below `data:`; of a block of several lines from the first to the last."""
    outer, position = len(data["indent"]), data.end()
    depth: int | None = None
    found: list[tuple[int, int]] = []
    while (line := NEXT_LINE.match(document, position)) is not None:
        position = line.end()
        indent = len(line["indent"])
        if not line["content"]:
            continue
        if indent <= outer:
            break
        entry = _ENTRY.match(document, line.start())
        if entry is not None and (depth is None or indent <= depth):
            depth = indent
            found.append(entry.span("value"))
        elif found:
            # A line of a block: it belongs to the value that begins above.
            found[-1] = (found[-1][0], line.end())
    return [span for span in found if document[span[0] : span[1]].strip() not in _NO_DATA]
