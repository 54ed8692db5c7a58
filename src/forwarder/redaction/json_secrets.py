"""Secrets in JSON: by the names of members, by what stands beside a value, and inside of strings.

Strings and bare scalars are replaced one by one, where they stand. So the JSON stays JSON, has the same members in the
same order, and differs in values alone.

Sources of the shapes: Kubernetes API reference (Secret, EnvVar, HTTPHeader, Container); k8s.io/apiserver,
pkg/apis/audit/v1 (Event); RFC 6902 (JSON patch); RFC 7517 (JWK); docker, "config.json" (`auth`).
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from forwarder.redaction.assignments import Kind
from forwarder.redaction.command_lines import changes_secret, redacted_arguments
from forwarder.redaction.files import redact_pgpass
from forwarder.redaction.json_text import Array, Node, Object, Scalar, decoded, encoded, is_whole, read_nodes
from forwarder.redaction.literals import Literals
from forwarder.redaction.names import Names, Telling
from forwarder.redaction.rules import MARK, Rule, Tell, replaced
from forwarder.redaction.texts import DEPTH, Texts, is_user_and_password
from forwarder.redaction.values import is_no_secret

# What is known of everything below a place; flags of an integer, as enum's are ten times as slow.
_ORDINARY = 0
# `data` of a Secret: every value.
_SECRET_DATA = 1
# Below a telling name: every value but what is about it.
_TOLD = 2
# In a request about Secrets, `data`, `stringData` and patches of them hold secrets.
_OF_SECRETS = 4
# Who did it, and to what: nothing is replaced, as a client could hide behind a name that looks like a secret.
_IDENTITY = 8
_ARGUMENT = 16
_PROSE = 32
_SCRIPT = 64

_SECRET_KINDS = frozenset(("Secret", "SecretList"))
_DATA = frozenset(("data", "stringData"))
_IDENTITY_MEMBERS = frozenset(
    (
        *("kind", "apiVersion", "level", "auditID", "stage", "verb", "user", "impersonatedUser", "sourceIPs"),
        *("objectRef", "requestReceivedTimestamp", "stageTimestamp", "timestamp"),
    )
)
_PROSE_MEMBERS = frozenset(
    ("description", "message", "msg", "err", "error", "reason", "help", "summary", "note", "title")
)
# What objects are called, and what runs; a name that looks like a token is a name all the same.
_NAMES_OF_OBJECTS = frozenset(("name", "namespace", "image", "serviceAccountName", "serviceAccount", "nodeName"))
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._/-]{1,253}(?::[A-Za-z0-9._-]{1,128})?")
PAIR_NAMES = ("name", "key", "Name", "Key", "header", "field", "variable", "ParameterKey")
_PAIR_VALUES = frozenset(("value", "Value", "values", "val", "data", "ParameterValue"))
_COMMANDS = ("command", "args", "cmd", "entrypoint", "Cmd", "Entrypoint")
# Beside one of these, `secretKey` names a member of a Secret (External Secrets, Secrets Store CSI driver).
_REFERENCES = frozenset(("remoteRef", "sourceRef", "secretName", "secretRef", "objectName"))
_PRIVATE_JWK = frozenset(("d", "p", "q", "dp", "dq", "qi", "k"))
# The member of a JSON schema that tells what values are; a secret has no such member.
_SCHEMA_TYPES = frozenset(("string", "object", "array", "integer", "number", "boolean"))
_SHELL_SCRIPT = re.compile(r'"-[a-z]*c"')
_NOTHING = frozenset(("null", "true", "false"))


class JsonSecrets:
    """Redacts JSON texts.

    Args:
        names: which names tell.
        patterns: of the operator: whatever they match is a secret.
        literals: without one of them a text has no secret.
    """

    def __init__(self, names: Names, patterns: Sequence[re.Pattern[str]], literals: Literals) -> None:
        self._names = names
        self.texts = Texts(names, patterns, literals, self.redact)

    def redact(self, text: str, tell: Tell, depth: int = DEPTH, *, of_secrets: bool = False) -> str:
        """The JSON without its secrets; as it is where it has none.

        Args:
            text: JSON, also such as is cut off or broken.
            tell: is told the rules that replaced something.
            depth: how many texts within texts are looked into.
            of_secrets: whether it belongs to a request about Secrets.
        """
        walk = _Walk(text, self._names, self.texts, tell, depth)
        for node in read_nodes(text):
            walk.go(node, _OF_SECRETS if of_secrets else _ORDINARY)
        return replaced(
            text,
            (
                (scalar.start, scalar.end, encoded(value, closed=not scalar.is_string or is_whole(text, scalar)))
                for scalar, value in walk.replacements.items()
            ),
        )


class _Walk:
    """One pass over the nodes of one text: what each scalar that is or has a secret is replaced by."""

    def __init__(self, text: str, names: Names, texts: Texts, tell: Tell, depth: int) -> None:
        self._text = text
        self._names = names
        self._texts = texts
        self._tell = tell
        self._depth = depth
        self._to_do: list[tuple[Node, int]] = []
        self.replacements: dict[Scalar, str] = {}

    def go(self, root: Node, place: int) -> None:
        """Visit all nodes; without recursion, however deep they are."""
        self._to_do.append((root, place))
        while self._to_do:
            node, place = self._to_do.pop()
            if isinstance(node, Object):
                self._object(node, place)
            elif isinstance(node, Array):
                self._array(node, place)
            else:
                self._scalar(node, place)

    def _replace(self, scalar: Scalar, value: str, rule: Rule) -> None:
        if scalar not in self.replacements:
            self.replacements[scalar] = value
            self._tell(rule)

    def _rewrite(self, scalar: Scalar, value: str, redacted: str) -> None:
        if redacted != value:
            self.replacements[scalar] = redacted

    def _decoded(self, scalar: Scalar) -> str:
        start, end, is_string = scalar
        return decoded(self._text, scalar) if is_string else self._text[start:end]

    def _scalar(self, scalar: Scalar, place: int) -> None:
        value = self._decoded(scalar)
        if place & _SECRET_DATA:
            if value and value != MARK and (scalar.is_string or value not in _NOTHING):
                self._replace(scalar, MARK, Rule.SECRET_DATA)
        elif place & _TOLD and not is_no_secret("", value):
            self._replace(scalar, MARK, Rule.TELLING_NAME)
        elif scalar.is_string and scalar not in self.replacements and not place & _IDENTITY:
            of_secrets = bool(place & _OF_SECRETS)
            redacted = self._texts.redact(value, _kind(place), self._tell, self._depth, of_secrets=of_secrets)
            self._rewrite(scalar, value, redacted)

    def _array(self, array: Array, place: int) -> None:
        if not place & _IDENTITY:
            place |= self._arguments([array])
        is_script = False
        for item in array.items:
            if not isinstance(item, Scalar):
                self._to_do.append((item, place))
                continue
            self._scalar(item, place | (_SCRIPT if is_script else _ARGUMENT))
            is_script = _SHELL_SCRIPT.fullmatch(self._text, item.start, item.end) is not None

    def _arguments(self, lists: Sequence[Array]) -> int:
        """Replace secrets among the arguments of a command, which may stand in two lists; what it tells of all."""
        scalars = [item for items in lists for item in items.items if isinstance(item, Scalar) and item.is_string]
        if not scalars[1:]:  # an argument alone is a text
            return _ORDINARY
        words = [self._decoded(scalar) for scalar in scalars]
        for position, word in redacted_arguments(words, self._names).items():
            self._replace(scalars[position], word, Rule.ARGUMENT)
        return _OF_SECRETS if changes_secret(words) else _ORDINARY

    def _object(self, node: Object, place: int) -> None:
        members = [(self._decoded(name), value) for name, value in node.members]
        if place & (_IDENTITY | _SECRET_DATA):
            self._to_do.extend((value, place) for _, value in members)
            return
        strings = {name: self._decoded(value) for name, value in members if type(value) is Scalar and value.is_string}
        names = frozenset([name for name, _ in members])
        if self._is_of_secrets(strings, names, members):
            place |= _OF_SECRETS
        if not names.isdisjoint(_COMMANDS):
            commands = [value for name, value in members if name in _COMMANDS and isinstance(value, Array)]
            place |= self._arguments(commands)
        beside = _ORDINARY if names.isdisjoint(_PAIR_VALUES) else self._beside(strings, place)
        identity = _IDENTITY_MEMBERS if "auditID" in strings or "objectRef" in names else ()
        is_reference = "secretKey" in names and not names.isdisjoint(_REFERENCES)
        data = _DATA if place & _OF_SECRETS else _PRIVATE_JWK if "kty" in strings else ()
        for name, value in members:
            if name in identity:
                self._to_do.append((value, _IDENTITY))
            elif name in data or (beside and name in _PAIR_VALUES):
                self._to_do.append((value, place | (_SECRET_DATA if name in data else beside)))
            elif not is_reference or name != "secretKey":
                self._member(name, value, place)

    def _is_of_secrets(
        self, strings: Mapping[str, str], names: AbstractSet[str], members: Sequence[tuple[str, Node]]
    ) -> bool:
        """Whether an object is a Secret, or an audit event of a request about one."""
        if strings.get("kind") in _SECRET_KINDS or "stringData" in names:
            return True
        if "objectRef" not in names:
            return False
        references = [value.members for name, value in members if name == "objectRef" and isinstance(value, Object)]
        resources = [
            value for reference in references for name, value in reference if self._decoded(name) == "resource"
        ]
        return any(isinstance(value, Scalar) and self._decoded(value) == "secrets" for value in resources)

    def _member(self, name: str, value: Node, place: int) -> None:
        """A member whose name may tell, or may take back what an outer one told."""
        telling = self._names.telling(name)
        if place & _TOLD and telling is not Telling.YES and self._names.is_about(name):
            place &= ~_TOLD
        if not isinstance(value, Scalar):
            is_told = telling is Telling.YES and not self._is_schema(value)
            self._to_do.append((value, place | _TOLD if is_told else place))
            return
        self._named_scalar(name, telling, value, place)

    def _named_scalar(self, name: str, telling: Telling, value: Scalar, place: int) -> None:
        text = self._decoded(value)
        if name.endswith("pgpass") and (file := redact_pgpass(text, self._tell)) is not None:
            self._rewrite(value, text, file)
        elif name == "auth" and is_user_and_password(text):
            self._replace(value, MARK, Rule.DOCKER_AUTH)
        elif telling is not Telling.NO and self._texts.is_secret(name, text):
            self._replace(value, MARK, Rule.TELLING_NAME)
        elif place & _TOLD or name not in _NAMES_OF_OBJECTS or _PLAIN_NAME.fullmatch(text) is None:
            self._scalar(value, place | _PROSE if name in _PROSE_MEMBERS else place)

    def _beside(self, strings: Mapping[str, str], place: int) -> int:
        """What the other members of an object tell of its value: an environment variable, a header, a JSON patch."""
        told = _ORDINARY
        if "op" in strings and "path" in strings:
            # A patch ignores other members, so they tell nothing.
            is_data = place & _OF_SECRETS and strings["path"].startswith(("/data", "/stringData"))
            told = _SECRET_DATA if is_data else _ORDINARY
            names = [strings["path"].rpartition("/")[2].replace("~1", "/")]
        else:
            names = [strings[name] for name in PAIR_NAMES if name in strings and "operator" not in strings]
        return told | (_TOLD if any(self._names.telling(name) is Telling.YES for name in names) else _ORDINARY)

    def _is_schema(self, node: Node) -> bool:
        """Whether an object says what a secret looks like: a schema of JSON, as custom resources are defined by."""
        members = node.members if isinstance(node, Object) else ()
        strings = {self._decoded(name): value for name, value in members}
        kind = strings.get("type")
        if "value" in strings:
            return False
        return bool({"$ref", "properties"} & strings.keys()) or (
            isinstance(kind, Scalar) and self._decoded(kind) in _SCHEMA_TYPES
        )


def _kind(place: int) -> Kind:
    if place & _PROSE:
        return Kind.PROSE
    if place & _SCRIPT:
        return Kind.SCRIPT
    return Kind.ARGUMENT if place & _ARGUMENT else Kind.DOCUMENT
