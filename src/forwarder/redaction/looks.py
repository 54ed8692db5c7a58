"""Tokens that are known by their look, whatever stands before them.

Each has a prefix that its issuer gave it so that it can be found (GitHub, "Behind GitHub's new authentication token
formats", started it); the shapes are those that the issuers document. What varies, the length above all, is kept loose:
a prefix of several characters is hardly ever anything else.
"""

import re
from functools import cache
from typing import NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation

from forwarder.redaction.rules import MARK, Rule, Tell


class Look(NamedTuple):
    """A kind of token.

    Attributes:
        issuer: whose it is.
        literals: one of them is in every text that has such a token.
        pattern: finds it; what its group 1 matches stays.
        begins_with_literal: whether nothing stands in front of the literal.
    """

    issuer: str
    literals: tuple[str, ...]
    pattern: str
    begins_with_literal: bool


def _look(issuer: str, literals: str, pattern: str, kept: str = "", *, inside: bool = False) -> Look:
    return Look(issuer, tuple(literals.split()), rf"(?<![A-Za-z0-9])({kept}){pattern}", not inside)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """When it is needed first: compiling them all would be a sixth of a cold start, and few batches need many."""
    return re.compile(pattern)


LOOKS = (
    # RFC 7519: base64 of `{"`, and at least one more part.
    _look("JSON web token", "eyJ", r"eyJ[\w-]{5,}+\.[\w-]{5,}+(?:\.[\w-]*+)*+"),
    _look("aws-iam-authenticator", "k8s-aws-v1", r"[\w=+/-]++", kept=r"k8s-aws-v1\."),
    _look("GitHub", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9_]{16,}+"),
    _look("GitHub", "github_pat_", r"github_pat_\w{16,}+"),
    _look(
        "GitLab",
        "glpat- gldt- glrt glcbt-",
        r"gl(?:pat|dt|rtr?|cbt)-[\w.-]{16,}+",
    ),
    _look("Slack", "xox", r"xox[a-z](?:\.xox[a-z])?-[\w-]{10,}+"),
    _look("Slack", "xapp-", r"xapp-\d-[\w-]{10,}+"),
    _look("Slack webhook", "hooks.slack.com", r"[\w/+-]{16,}+", kept=r"hooks\.slack\.com/\w+/"),
    _look(
        "Discord webhook", "/api/webhooks/", r"[\w/-]{16,}+", kept=r"discord(?:app)?\.com/api/webhooks/", inside=True
    ),
    _look("Stripe", "k_live_ k_test_", r"[sr]k_(?:live|test)_\w{10,}+", inside=True),
    _look("Stripe webhook", "whsec_", r"whsec_[\w+/=]{16,}+"),
    _look("Google API key", "AIza", r"AIza[\w-]{30,}+"),
    _look("Google OAuth", "ya29.", r"ya29\.[\w.-]{16,}+"),
    _look("Google OAuth client", "GOCSPX-", r"GOCSPX-[\w-]{16,}+"),
    _look("SendGrid", "SG.", r"SG\.[\w-]{10,}+\.[\w-]{16,}+"),
    _look("npm", "npm_", r"npm_[A-Za-z0-9]{20,}+"),
    _look("PyPI", "pypi-AgE", r"pypi-AgE[\w-]{16,}+"),
    _look("Vault", "hvs. hvb.", r"hv[sb]\.[\w-]{16,}+"),
    _look("Terraform", "atlasv1.", r"\w{10,20}+\.atlasv1\.[\w-]{16,}+", inside=True),
    _look("OpenAI, Anthropic", "sk-", r"sk-(?:[a-z]+[0-9]{0,2}-(?:v1-|api[0-9]{2}-)?[\w-]{16,}+|[A-Za-z0-9]{24,}+)"),
    _look("Hugging Face", "hf_", r"hf_[A-Za-z0-9]{20,}+"),
    _look("Groq", "gsk_", r"gsk_[\w-]{20,}+"),
    _look("Docker Hub", "dckr_", r"dckr_[a-z]+_[\w-]{16,}+"),
    _look("age", "AGE-SECRET", r"AGE-SECRET-KEY-[0-9A-Z]{20,}+"),
    _look(
        "AWS session token", "IQoJb3JpZ2lu FwoGZXIvYXdz FQoGZXIvYXdz", r"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[\w+/=%]{16,}+"
    ),
    _look("Amazon Bedrock", "ABSK", r"ABSK[A-Za-z0-9+/=]{40,}+"),
    # A secret access key has nothing of its own, but stands behind the id of its key.
    _look(
        "AWS secret access key",
        "AKIA",
        r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
        kept=r"AKIA[A-Z0-9]{16}(?![A-Z0-9])[^A-Za-z0-9/+]{1,20}(?:[A-Za-z_]{1,30}[^A-Za-z0-9/+]{1,5}){0,2}",
    ),
    _look("DigitalOcean", "dop_v1_", r"dop_v1_[0-9a-f]{32,}+"),
    _look("Shopify", "shpat_ shpss_", r"shp(?:at|ss)_[0-9a-fA-F]{16,}+"),
    _look("Atlassian", "ATATT3", r"ATATT3[\w=-]{20,}+"),
    _look("Grafana", "glsa_ glc_", r"gl(?:sa|c)_[\w+/=]{20,}+"),
    _look("Databricks", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?(?![0-9a-f])"),
    _look("New Relic", "NRAK-", r"NRAK-[\w-]{16,}+"),
    _look("Dynatrace", "dt0c01.", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{20,}+\.[A-Z0-9]{40,}+"),
    _look("Telegram", ":AA", r"[0-9]{8,10}:AA[\w-]{30,}+", inside=True),
    _look("Azure storage SAS", "sig=", r"[\w%+/=-]{30,}+", kept=r"sig="),
    _look("request signature", "ignature=", r"[0-9a-fA-F]{64}(?![0-9a-fA-F])", kept=r"[Ss]ignature=", inside=True),
)


_LOOK_OF = tuple((literal, look) for look in LOOKS for literal in look.literals)
_SEARCH = AhoCorasick([literal for literal, _ in _LOOK_OF], implementation=Implementation.DFA)


# How far in front of its literal a token may begin, with what stays of it, and how far behind it is known to be one.
_BEFORE, _BEHIND = 40, 300


_SURROGATE = re.compile("[\ud800-\udfff]")


def searchable(text: str) -> str:
    """The text, as long as it was, without halves of surrogate pairs, which no search for literals takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def redact_looks(text: str, tell: Tell) -> str:
    """The text with MARK for such tokens; a rule is told where it had one."""
    pieces: list[str] = []
    done = 0
    for number, place, _ in _SEARCH.find_matches_as_indexes(searchable(text), overlapping=True):
        look = _LOOK_OF[number][1]
        pattern = _compiled(look.pattern)
        begin: int | None = place
        if not look.begins_with_literal:
            # Looked for near the literal only; once it is there, it may be as long as it likes.
            near = pattern.search(text, max(done, place - _BEFORE), place + _BEHIND)
            begin = None if near is None else near.start()
        token = pattern.match(text, begin) if begin is not None and begin >= done else None
        if token is not None:
            pieces += (text[done : token.end(1)], MARK)
            done = token.end()
            tell(Rule.KNOWN_TOKEN)
    return "".join(pieces) + text[done:] if done else text
