r"""Keeping secrets out of the index: what they look like in a record's text, whatever the record's format.

Done on the text, before anything is parsed, so that `@message` and every field are clean alike, and so that a record
that cannot be parsed, or is cut off, is clean too. The rules are told in docs/redaction.md.

Sources of the shapes: RFC 7519 (JWT) and RFC 6750 (bearer tokens); aws-iam-authenticator, pkg/token (`k8s-aws-v1.`);
AWS, "Signing AWS API requests" (presigned URLs); RFC 7468 (PEM); Kubernetes, core/v1 Secret (`data`, `stringData`).
Every pattern begins with a literal or at the beginning of a word and repeats possessively, so that the cost is linear.
"""

import re
from dataclasses import dataclass

MARK = "(redacted)"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A record's text without its secrets, and whether there were any."""

    text: str
    found: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern, tried only on texts with one of the literals; its group `kept` stays in front of the mark."""

    literals: tuple[str, ...]
    pattern: re.Pattern[str]


def _rule(literals: tuple[str, ...], pattern: str) -> _Rule:
    return _Rule(literals, re.compile(pattern, re.IGNORECASE | re.DOTALL))


_NAME = (
    r"(?:token|passw(?:or)?d|passphrase|client[_-]?secret|secret[_-]?access[_-]?key|client-key-data|private[_-]?key)"
)
_TELLING = r"(?:token|passw|secret|credential|api_?key|private_?key)"
# A quote, or the escaped quote of JSON inside of JSON.
_QUOTE = r"\\{0,3}+\""
_INSIDE = r"(?:[^\"\\]|\\.)*+"
_NOT_YET = r"(?!\(redacted\))"

_BY_LOOK = (
    # A word that begins with the base64 of `{"` and has at least one more part behind a dot.
    _rule(("eyJ",), r"(?P<kept>)(?:(?<![\w-])|(?<=\\[nrt]))(?-i:eyJ)[\w-]{5,}+\.[\w-]{5,}+(?:\.[\w-]*+)*+"),
    _rule(("k8s-aws-v1",), r"(?P<kept>k8s-aws-v1\.)[\w=-]++"),
    # Words about bearer tokens ("invalid bearer token") have no digit and are short; tokens do, or are not.
    _rule(("earer", "EARER"), r"(?P<kept>\bbearer\s{1,9}+)(?=[^\s\"\\,]*\d|[^\s\"\\,]{20})[\w.~+/=-]{6,}+"),
    _rule(("uthorization",), r"(?P<kept>\bauthorization[\"'\\\]\[:= ]{1,12}+(?:basic|bearer)\s{1,9}+)[\w.~+/=-]++"),
    _rule(("mz-",), r"(?P<kept>\bx-amz-(?:signature|security-token)=)[\w%.~+/=-]++"),
    _rule(
        ("PRIVATE KEY",),
        r"(?P<kept>-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)(?:[^-\"]|-(?!----(?:END|BEGIN)))++",
    ),
    _rule(("://",), rf"(?P<kept>://[^/\s:@\"\\]{{1,256}}+:){_NOT_YET}[^/\s@\"\\]{{1,1024}}+(?=@)"),
)
"""Secrets that are known by their own look."""

_BY_NAME = (
    _rule(('"',), rf"(?P<kept>{_NAME}\"\s{{0,9}}+:\s{{0,9}}+\"){_INSIDE}"),
    _rule(('\\"',), rf"(?P<kept>{_NAME}\\{{1,3}}\"\s{{0,9}}+:\s{{0,9}}+\\{{1,3}}\")[^\"\\]*+"),
    _rule(('="',), rf"(?P<kept>{_NAME}=\"){_INSIDE}"),
    _rule(("=",), rf"(?P<kept>{_NAME}\s{{0,3}}+=\s{{0,3}}+(?:\\{{1,3}}+[\"'])?){_NOT_YET}[^\s\"'\\,;&()\]}}]++"),
    _rule((":",), rf"(?P<kept>{_NAME}:\s{{1,3}}+){_NOT_YET}(?=[^\s\"'\\,]*\d)[^\s\"'\\,;&()\]}}]{{12,}}+"),
    # An environment variable of a container.
    _rule(
        ("value",),
        rf"(?P<kept>{_QUOTE}name{_QUOTE}:{_QUOTE}[^\"\\]{{0,100}}?{_TELLING}[^\"\\]{{0,100}}+{_QUOTE},{_QUOTE}value"
        rf"{_QUOTE}:{_QUOTE})[^\"\\]*+",
    ),
)
"""Values whose name says that they are secret."""

_NAME_ENDS = (
    "oken",
    "assw",
    "assphrase",
    "ecret",
    "rivate",
    "RIVATE",
    "OKEN",
    "ASSW",
    "ECRET",
    "redential",
    "REDENTIAL",
    "ey",
)

_ABOUT_SECRETS = re.compile(rf"\"(?:resource|kind){_QUOTE}\s*+:\s*+{_QUOTE}(?:secrets|Secret|SecretList){_QUOTE}")
_EMBEDDED = re.compile(rf"\"{_INSIDE}\"?", re.DOTALL)
_EMBEDDED_DATA = re.compile(r"\\\"(?:data|stringData)\\{1,7}\"")
_DATA = re.compile(rf"\"(?:data|stringData|value)\"\s*+:\s*+\{{(?:[^\"{{}}]|\"{_INSIDE}\"?)*+", re.DOTALL)
_PATCHED = re.compile(rf"(?P<kept>\"value\"\s*+:\s*+\"){_INSIDE}", re.DOTALL)
_MEMBER = re.compile(rf"(?P<kept>\"{_INSIDE}\"\s*+:\s*+\"){_INSIDE}", re.DOTALL)


def redact(text: str) -> Redacted:
    """The text with every secret replaced by MARK; JSON stays JSON, and names stay."""
    clean = _redact_secrets_data(text) if "ecret" in text and _ABOUT_SECRETS.search(text) else text
    if any(end in clean for end in _NAME_ENDS):
        clean = _apply(_BY_NAME, clean)
    clean = _apply(_BY_LOOK, clean)
    return Redacted(clean, clean != text)


def _apply(rules: tuple[_Rule, ...], text: str) -> str:
    for rule in rules:
        if any(literal in text for literal in rule.literals):
            text = rule.pattern.sub(_marked, text)
    return text


def _marked(secret: re.Match[str]) -> str:
    return secret["kept"] + MARK


def _redact_secrets_data(text: str) -> str:
    """What an audit record about Secrets carries: their data, patches of it, and JSON of whole Secrets in strings."""
    text = _EMBEDDED.sub(_without_embedded_data, text)
    text = _DATA.sub(lambda data: _MEMBER.sub(_marked, data[0]), text)
    return _PATCHED.sub(_marked, text)


def _without_embedded_data(string: re.Match[str]) -> str:
    if not _EMBEDDED_DATA.search(string[0]):
        return string[0]
    return f'"{MARK}"' if string[0].endswith('"') else f'"{MARK}'
