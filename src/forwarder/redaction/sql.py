"""Passwords in statements of SQL, where the grammar says what is one.

Sources: PostgreSQL, "CREATE ROLE" and "ALTER ROLE"; MySQL and MariaDB, "CREATE USER", "SET PASSWORD"; Oracle, "ALTER
USER"; ClickHouse, "CREATE USER"; redis, "AUTH" and "CONFIG SET"; MongoDB, `db.auth`.
"""

import re

from forwarder.redaction.rules import MARK, Rule, Tell, replaced
from forwarder.redaction.values import is_no_secret

_QUOTED = r"(?P<open>\\{0,7}[\"'])(?P<value>(?:(?!(?P=open))[^\n]|'')+)"
_STATEMENTS = (
    # WITH [ENCRYPTED] PASSWORD 'X'; PASSWORD('X'); SET PASSWORD FOR u = 'X'.
    re.compile(
        rf"(?<![\w-])password(?:\s+for\s+[^=\n]{{1,100}}?=\s*|\s*=\s*|\s+|(?=\())(?:(?:old_)?password\s*)?\(?\s*{_QUOTED}",
        re.IGNORECASE,
    ),
    re.compile(
        r"\bidentified\s+(?:with\s+[\w\"'`\\]{1,60}\s+)?(?:by|as|using)\s+(?:(?:password|values)\s+)?"
        rf"(?:{_QUOTED}|(?P<word>[^\s\"';,()\\]+))",
        re.IGNORECASE,
    ),
)
_SHELLS = (
    # `AUTH X`, `AUTH user X`, behind the name of a client or in quotes.
    re.compile(r"(?<![\w-])AUTH[ \t]+(?:[\w.-]+[ \t]+)?(?P<value>[^\s\"';|&]+)"),
    re.compile(r"\bCONFIG[ \t]+SET[ \t]+(?:requirepass|masterauth)[ \t]+(?P<value>[^\s\"';|&]+)", re.IGNORECASE),
    re.compile(
        r"(?:\.(?:auth|changeUserPassword|login|setBasicAuth|basicAuth|basic_auth)|[Cc]redentials?|BasicAuth"
        r"|\bauth ?= ?)\(\s*"
        r"[\"'][^\"'\n]+[\"']\s*,\s*[\"'](?P<value>[^\"'\n]+)"
    ),
    # PowerShell.
    re.compile(r"ConvertTo-SecureString[ \t]+(?:-String[ \t]+)?[\"'](?P<value>[^\"'\n$][^\"'\n]*)"),
)


def redact_statements(text: str, tell: Tell) -> str:
    """The text without the passwords of its statements."""
    lowered = text.lower()
    patterns = [
        *(_STATEMENTS if "password" in lowered else ()),
        *(_STATEMENTS[1:] if "identified" in lowered and "password" not in lowered else ()),
        *(_SHELLS[:1] if "redis-cli" in text or "valkey-cli" in text else ()),
        *(_SHELLS[1:2] if "config" in lowered and "set" in lowered else ()),
        *(_SHELLS[2:3] if "(" in text and "," in text else ()),
        *(_SHELLS[3:] if "SecureString" in text else ()),
    ]
    edits = [
        (*found.span(group), MARK)
        for pattern in patterns
        for found in pattern.finditer(text)
        if not is_no_secret("password", found[group := _group(found)])
    ]
    if not edits:
        return text
    tell(Rule.STATEMENT)
    return replaced(text, edits)


def _group(found: re.Match[str]) -> str:
    return "value" if found["value"] is not None else "word"
