"""Keeping secrets out of the index: each is replaced by MARK, whatever the record's format.

A record is read as tokens: the strings and bare scalars of JSON, the values of klog and logfmt. A token is decoded,
redacted inside and written back in its place, so that nothing reaches beyond its border: no member of a record is
added, lost or moved, whatever a client writes. Done before anything is parsed, so that `@message` and every field are
clean alike. The rules are told in docs/redaction.md.

Most records have nothing of interest. So first the literals without which no rule applies are searched for, in many
records at once; then, of JSON, only the tokens that have one are looked at; and only where one of these may matter the
record is read as a whole.
"""

from functools import cache

from forwarder.redaction.redactor import Redacted, Redactor
from forwarder.redaction.rules import MARK, Rule

__all__ = ["MARK", "Redacted", "Redactor", "Rule", "default_redactor", "redact"]


@cache
def default_redactor() -> Redactor:
    """Redacts by the rules that need no setting; one for all, as it remembers the names and texts that it has seen."""
    return Redactor()


def redact(text: str) -> Redacted:
    """One record without its secrets, by the rules that need no setting."""
    return next(default_redactor().redact_each([text]))
