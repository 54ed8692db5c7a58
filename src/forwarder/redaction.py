r"""Keeping secrets out of the index: what they look like in a record's text, whatever the record's format.

Done on the text, before anything is parsed, so that `@message` and every field are clean alike, and so that a record
that cannot be parsed, or is cut off, is clean too. The rules are told in docs/redaction.md.

Sources of the shapes: RFC 7519 (JWT) and RFC 6750 (bearer tokens); aws-iam-authenticator, pkg/token (`k8s-aws-v1.`);
AWS, "Signing AWS API requests" (presigned URLs); RFC 7468 (PEM); Kubernetes, core/v1 Secret (`data`, `stringData`).
Every pattern begins with a literal or at the beginning of a word and repeats possessively, so that the cost is linear.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TypeAlias

from ahocorasick_rs import BytesAhoCorasick, MatchKind

MARK = "(redacted)"


@dataclass(frozen=True, slots=True)
class Redacted:
    """A record's text without its secrets, and whether there were any."""

    text: str
    found: bool


# A literal and a pattern, tried only on texts that hold the literal: all literals are searched for in one pass, which
# costs a hundredth of one pattern's. The group that took part in a match is what stays in front of the mark.
_Rule: TypeAlias = tuple[str, str, re.RegexFlag]


@cache
def _compiled(pattern: str, flags: re.RegexFlag) -> re.Pattern[str]:
    """When it is needed first: compiling them all would be a sixth of a cold start, and few batches need many."""
    return re.compile(pattern, flags)


def _rules(literals: tuple[str, ...], pattern: str, flags: re.RegexFlag = re.IGNORECASE) -> Iterator[_Rule]:
    """The pattern once for each of the literals; what one left behind does not change when the next is tried."""
    return ((literal, pattern, flags | re.DOTALL) for literal in literals)


# A quote, or the escaped quote of JSON inside of JSON.
_QUOTE = r"\\{0,3}+\""
_INSIDE = r"(?:[^\"\\]|\\.)*+"


def _word(beginning: str) -> str:
    r"""Behind the beginning of a word: that it is one, also after an escape of JSON (`\n`, `\u0026`) or URL (`%3D`).

    It looks back, so that the pattern can begin with a literal: searching for one is a hundred times as fast.
    """
    fronts = (r"(?<![\w-]", r"(?<=\\[nrt]", r"(?<=\\u00[0-9a-f]{2}", r"(?<=%[0-9A-Fa-f]{2}")
    return f"(?:{'|'.join(f'{front}{beginning})' for front in fronts)})"


_NOT_YET = r"(?!\(redacted\))"
_BARE = r"[^\s\"'\\,;&()\]}]"

# Telling names, or the ends of them: what stands in front does not matter.
_NAMES = (
    *("token", "TOKEN", "password", "PASSWORD", "passwd", "PASSWD", "passphrase", "PASSPHRASE"),
    *("client_secret", "client-secret", "clientSecret", "CLIENT_SECRET", "client-key-data"),
    *("secret_access_key", "secret-access-key", "secretAccessKey", "secretaccesskey", "SECRET_ACCESS_KEY"),
    *("private_key", "private-key", "privateKey", "PRIVATE_KEY"),
)


def _escaped_quote(group: str) -> str:
    """A quote of JSON inside of JSON; its backslashes, an odd number, are the group."""
    return rf"(?P<{group}>\\(?:\\\\){{0,7}}+)\""


def _inside_escaped(group: str) -> str:
    """What a string holds whose quotes have that many backslashes: up to the next such quote, or the outer string's."""
    return rf"(?:[^\"\\]|(?P={group})(?:\\\\)++\"|\\++[^\"\\])*+"


# What can follow such a name: a JSON member, one of JSON inside of JSON, a pair, a line of YAML.
_NAMED_VALUE = (
    rf"(\"\s{{0,9}}+:\s{{0,9}}+\"){_INSIDE}"
    rf"|({_escaped_quote('a')}\s{{0,9}}+:\s{{0,9}}+(?P=a)\"){_inside_escaped('a')}"
    rf"|((?:\s{{0,3}}+=\s{{0,3}}+|:\s{{1,3}}+){_escaped_quote('b')}){_inside_escaped('b')}"
    r"|((?:\s{0,3}+=\s{0,3}+|:\s{1,3}+)')[^'\"\\]*+"
    rf"|(\s{{0,3}}+=\s{{0,3}}+(?:(?:[Bb]earer|[Bb]asic)\s{{1,3}}+)?){_NOT_YET}{_BARE}++"
    rf"|(:\s{{1,3}}+){_NOT_YET}(?=[^\s\"'\\,]*\d){_BARE}{{12,}}+"
)
# Audit annotations that name whose token it was (k8s.io/apiserver, pkg/authentication).
_NO_TOKENS = r"(?<!legacy-token)(?<!stale-token)"
# Outside of JSON also a quoted pair; in JSON that quote would be the end of a string.
_QUOTED_PAIR = rf"|(=\"){_INSIDE}"


def _named(name: str, values: str) -> Iterator[_Rule]:
    """The values of a name whose first letter is of either case; the rest is a literal, quickly searched for."""
    end = name[1:] + (_NO_TOKENS if name == "token" else "")
    return _rules((name[1:],), rf"{end}(?<=[{name[0].lower()}{name[0].upper()}]{name[1:]})(?:{values})", re.NOFLAG)


def _signatures(end: str) -> Iterator[_Rule]:
    """What signs a URL of AWS, and the token that goes with it."""
    pattern = rf"({end}{_word(f'[xX]-[aA]{end}')}(?i:signature|security-token)=)[\w%.~+/=-]++"
    return _rules((end,), pattern, re.NOFLAG)


def _bearer_tokens(end: str) -> Iterator[_Rule]:
    """Words about bearer tokens ("invalid bearer token") have no digit and are short; tokens do, or are not."""
    pattern = rf"({end}{_word(f'[bB]{end}')}(?:\s{{1,9}}+|%20))(?=[^\s\"\\,]*\d|[^\s\"\\,]{{20}})[\w.~+/=-]{{6,}}+"
    return _rules((f"{end} ", f"{end}%20"), pattern, re.NOFLAG)


_BY_LOOK = (
    # An environment variable of a container.
    *_rules(
        ('value":"', 'value\\"'),
        # First that a value follows: most names have none.
        rf"((?-i:name)(?<=\"name){_QUOTE}:{_QUOTE}(?=[^\"\\]*+{_QUOTE},{_QUOTE}value)[^\"\\]{{0,100}}?"
        rf"(?:token|passw|secret|credential|api_?key|private_?key)[^\"\\]{{0,100}}+{_QUOTE},"
        rf"{_QUOTE}value{_QUOTE}:)(?:(\"){_INSIDE}|({_escaped_quote('a')}){_inside_escaped('a')})",
    ),
    # JWT: a word that begins with the base64 of `{"` and has at least one more part behind a dot.
    *_rules(("eyJ",), rf"()eyJ{_word('eyJ')}[\w-]{{5,}}+\.[\w-]{{5,}}+(?:\.[\w-]*+)*+", re.NOFLAG),
    *_rules(("k8s-aws-v1",), r"(k8s-aws-v1\.)[\w=-]++"),
    *(rule for end in ("earer", "EARER") for rule in _bearer_tokens(end)),
    *_rules(
        ("asic ", "ASIC ", "earer ", "EARER "),
        r"(\bauthorization[\"'\\\]\[:= ]{1,12}+(?:basic|bearer)\s{1,9}+)[\w.~+/=-]++",
    ),
    *(rule for end in ("mz-", "MZ-") for rule in _signatures(end)),
    *_rules(
        ("PRIVATE KEY",), r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)(?:[^-\"\\]|\\{1,4}[nr]|-(?!----(?:END|BEGIN)))++"
    ),
    # A password in a URL.
    *_rules(
        ("://",), rf"(://[^/\s:@\"\\]{{1,256}}+:){_NOT_YET}(?:[^/\s@\"\\]|\\++[^/\s@\"\\]){{1,1024}}+(?=@)(?!@sha256:)"
    ),
)

_JSON_RULES = (*(rule for name in _NAMES for rule in _named(name, _NAMED_VALUE)), *_BY_LOOK)
_TEXT_RULES = (*(rule for name in _NAMES for rule in _named(name, _NAMED_VALUE + _QUOTED_PAIR)), *_BY_LOOK)
_SECRETS = len(_JSON_RULES)
# By their numbers; behind the rules' literals the one that every record about Secrets holds.
_LITERAL_OF = (*(literal for literal, *_ in _JSON_RULES), "ecret")
_LITERALS = tuple(dict.fromkeys(_LITERAL_OF))
_SEARCH = BytesAhoCorasick([literal.encode() for literal in _LITERALS], matchkind=MatchKind.LeftmostLongest)


def _hides(found: str, other: str) -> bool:
    """Whether another literal can begin inside of one that is found, behind which the search goes on.

    A search that finds all is ten times as slow.
    """
    return other in found or any(other.startswith(found[start:]) for start in range(1, len(found)))


_RULES_OF = tuple(
    frozenset(number for number, literal in enumerate(_LITERAL_OF) if _hides(found, literal)) for found in _LITERALS
)

_ABOUT_SECRETS = re.compile(rf"\"(?:resource|kind){_QUOTE}\s*+:\s*+{_QUOTE}(?:secrets|Secret|SecretList){_QUOTE}")
_EMBEDDED = re.compile(rf"\"{_INSIDE}\"?", re.DOTALL)
_EMBEDDED_DATA = re.compile(r"\\\"(?:data|stringData|value)\\{1,7}\"")
_FLAT = rf"[^\"{{}}]|\"{_INSIDE}\"?"
# One object inside of it is followed too: a JSON patch can put a whole Secret.
_DATA = re.compile(rf"\"(?:data|stringData|value)\"\s*+:\s*+\{{(?:{_FLAT}|\{{(?:{_FLAT})*+(?:\}}|$))*+", re.DOTALL)
_PATCHED = re.compile(rf"(\"value\"\s*+:\s*+(?:\[\s*+)?\"){_INSIDE}", re.DOTALL)
_MEMBER = re.compile(rf"(\"{_INSIDE}\"\s*+:\s*+\"){_INSIDE}", re.DOTALL)


def redact(text: str) -> Redacted:
    """The text with every secret replaced by MARK; JSON stays JSON, and names stay."""
    return next(redact_each([text]))


def redact_each(texts: Sequence[str]) -> Iterator[Redacted]:
    """Each of the texts, as `redact` would; the literals are searched for in all of them at once."""
    encoded = [text.encode() for text in texts]
    ends = list(accumulate(len(text) + 1 for text in encoded))
    to_try: list[set[int]] = [set() for _ in texts]
    for literal, start, _ in _SEARCH.find_matches_as_indexes(b"\n".join(encoded)):
        to_try[bisect_right(ends, start)] |= _RULES_OF[literal]
    return (
        _redact(text, numbers) if numbers else Redacted(text, found=False)
        for text, numbers in zip(texts, to_try, strict=True)
    )


def _redact(text: str, to_try: set[int]) -> Redacted:
    """The text without its secrets; `to_try` are the numbers of the rules whose literals it may hold."""
    clean = _redact_secrets_data(text) if _SECRETS in to_try and _ABOUT_SECRETS.search(text) else text
    rules = _JSON_RULES if text.lstrip("\ufeff \t\r\n").startswith(("{", "[", '"')) else _TEXT_RULES
    for number in sorted(to_try - {_SECRETS}):
        clean = _compiled(*rules[number][1:]).sub(_marked, clean)
    return Redacted(clean, clean != text)


def _marked(secret: re.Match[str]) -> str:
    return secret[0][: secret.end(secret.lastindex or 0) - secret.start()] + MARK


def _redact_secrets_data(text: str) -> str:
    """What an audit record about Secrets carries: their data, patches of it, and JSON of whole Secrets in strings."""
    text = _EMBEDDED.sub(_without_embedded_data, text)
    text = _DATA.sub(lambda data: _MEMBER.sub(_marked, data[0]), text)
    return _PATCHED.sub(_marked, text)


def _without_embedded_data(string: re.Match[str]) -> str:
    if not _EMBEDDED_DATA.search(string[0]):
        return string[0]
    return f'"{MARK}"' if string[0].endswith('"') else f'"{MARK}'
