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
        "glpat- gldt- glrt glcbt- glptt- glagent- gloas- glft- glimt- glsoat- glffct- GR1348941",
        r"(?:gl(?:pat|dt|rtr?|cbt|ptt|agent|oas|ft|imt|soat|ffct)-[\w.-]{16,}+|GR1348941[\w-]{16,}+)",
    ),
    _look("Slack", "xox", r"xox[a-z](?:\.xox[a-z])?-[\w-]{10,}+"),
    _look("Slack", "xapp-", r"xapp-\d-[\w-]{10,}+"),
    _look("Slack webhook", "hooks.slack.com", r"[\w/+-]{16,}+", kept=r"hooks\.slack\.com/\w+/"),
    _look("Discord webhook", "iscord", r"[\w/-]{16,}+", kept=r"discord(?:app)?\.com/api/webhooks/", inside=True),
    _look("Stripe", "k_live_ k_test_", r"[sr]k_(?:live|test)_\w{10,}+", inside=True),
    _look("Stripe webhook", "whsec_", r"whsec_[\w+/=]{16,}+"),
    _look("Google API key", "AIza", r"AIza[\w-]{30,}+"),
    _look("Google OAuth", "ya29.", r"ya29\.[\w.-]{16,}+"),
    _look("Google OAuth client", "GOCSPX-", r"GOCSPX-[\w-]{16,}+"),
    _look("SendGrid", "SG.", r"SG\.[\w-]{10,}+\.[\w-]{16,}+"),
    _look("npm", "npm_", r"npm_[A-Za-z0-9]{20,}+"),
    _look("PyPI", "pypi-AgE", r"pypi-AgE[\w-]{16,}+"),
    _look("Vault", "hvs. hvb.", r"hv[sb]\.[\w-]{16,}+"),
    _look("HCP Terraform", "atlasv1.", r"\w{10,20}+\.atlasv1\.[\w-]{16,}+", inside=True),
    _look("OpenAI, Anthropic", "sk-", r"sk-(?:[a-z]+[0-9]{0,2}-(?:v1-|api[0-9]{2}-)?[\w-]{16,}+|[A-Za-z0-9]{24,}+)"),
    _look("Hugging Face", "hf_", r"hf_[A-Za-z0-9]{20,}+"),
    _look("Groq", "gsk_", r"gsk_[\w-]{20,}+"),
    _look("Docker Hub", "dckr_", r"dckr_[a-z]+_[\w-]{16,}+"),
    _look("age", "AGE-SECRET", r"AGE-SECRET-KEY-[0-9A-Z]{20,}+"),
    _look(
        "AWS session token", "IQoJb3JpZ2lu FwoGZXIvYXdz FQoGZXIvYXdz", r"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[\w+/=%]{16,}+"
    ),
    _look("AWS Bedrock", "ABSK", r"ABSK[A-Za-z0-9+/=]{40,}+"),
    # A secret access key has nothing of its own, but stands behind the id of its key.
    _look(
        "AWS secret access key",
        "AKIA",
        r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
        kept=r"AKIA[A-Z0-9]{16}(?![A-Z0-9])[^A-Za-z0-9/+]{1,20}(?:[A-Za-z_]{1,30}[^A-Za-z0-9/+]{1,5}){0,2}",
    ),
    _look("DigitalOcean", "_v1_", r"do[opr]_v1_[0-9a-f]{32,}+", inside=True),
    _look("Shopify", "shp", r"shp(?:at|ss|ca|pa)_[0-9a-fA-F]{16,}+"),
    _look("Atlassian", "ATATT3 ATCTT3 ATBB", r"(?:AT[AC]TT3[\w=-]{20,}+|ATBB[A-Za-z0-9]{24,}+)"),
    _look("Grafana", "glsa_ glc_", r"gl(?:sa|c)_[\w+/=]{20,}+"),
    _look("Databricks", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?(?![0-9a-f])"),
    _look("New Relic", "NRAK- NRII- NRRA-", r"NR(?:AK|II|RA)-[\w-]{16,}+"),
    _look("Dynatrace", "dt0c01.", r"dt0[a-z][0-9]{2}\.[A-Z0-9]{20,}+\.[A-Z0-9]{40,}+"),
    _look("Telegram", ":AA", r"[0-9]{6,12}:AA[\w-]{30,}+", kept="(?:bot)?", inside=True),
    _look("Azure storage SAS", "sig=", r"[\w%+/=-]{30,}+", kept=r"sig="),
    _look(
        "Teams webhook",
        ".webhook.office.com",
        r"[\w/@-]{16,}+",
        kept=r"[\w-]{0,30}\.webhook\.office\.com/webhookb?2?/",
        inside=True,
    ),
    _look("Azure AD", "Q~", r"[\w.~]{3}[0-9]Q~[\w.~-]{31,34}(?![\w~-])", inside=True),
    _look("Doppler", "dp.", r"dp\.[a-z]+\.(?:[\w-]+\.)?[A-Za-z0-9]{30,}+"),
    _look("Linear", "n_api_ n_oauth_", r"lin_(?:api|oauth)_[A-Za-z0-9]{30,}+", inside=True),
    _look("Figma", "igd_ igo_", r"fig[do]_[\w-]{30,}+", inside=True),
    _look("Fly.io", "fm1 fm2_ fo1_", r"(?:FlyV1 )?(?:fm1[ar]|fm2|fo1)_[\w+/=-]{30,}+(?:,fm[0-9]\w?_[\w+/=-]+)*"),
    _look("Fly.io", "FlyV1", r"FlyV1 [\w+/=,-]{30,}+"),
    _look("Notion", "secret_", r"secret_[A-Za-z0-9]{43}(?![A-Za-z0-9])"),
    _look("Notion", "ntn_", r"ntn_[A-Za-z0-9]{30,}+"),
    _look("PlanetScale", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w.=-]{20,}+"),
    _look("Postman", "PMAK-", r"PMAK-[0-9a-f]{16,}+-?[0-9a-f]*+"),
    _look("Pulumi", "pul-", r"pul-[0-9a-f]{30,}+"),
    _look("RubyGems", "rubygems_", r"rubygems_[0-9a-f]{30,}+"),
    _look("Brevo", "sib-", r"x(?:key|smtp)sib-[\w-]{30,}+", inside=True),
    _look("Sentry", "sntry", r"sntry[su]_[\w+/=]{30,}+"),
    _look("SonarQube", "sqp_ squ_ sqa_", r"sq[pua]_[0-9a-f]{30,}+"),
    _look("Sourcegraph", "sgp_", r"sgp_[\w]{30,}+"),
    _look("Square", "sq0atp- sq0csp-", r"sq0(?:at|cs)p-[\w-]{16,}+"),
    _look("Typeform", "tfp_", r"tfp_[\w.=-]{30,}+"),
    _look("Tailscale", "tskey-", r"tskey-[a-z]+-[\w-]{16,}+"),
    _look("Replicate", "r8_", r"r8_[A-Za-z0-9]{30,}+"),
    _look("Netlify", "nfp_", r"nfp_[A-Za-z0-9]{30,}+"),
    _look("Heroku", "HRKU-", r"HRKU-[\w-]{30,}+"),
    _look("HubSpot", "pat-", r"pat-[a-z]{2}[0-9]-[0-9a-f-]{30,}+"),
    _look("Perplexity", "pplx-", r"pplx-[A-Za-z0-9]{30,}+"),
    _look("xAI", "xai-", r"xai-[A-Za-z0-9]{40,}+"),
    _look("Supabase", "sbp_ sb_secret_", r"(?:sbp_[0-9a-f]{30,}+|sb_secret_[\w-]{20,}+)"),
    _look("LangSmith, Pinecone", "lsv2_ pcsk_", r"(?:lsv2_[a-z]{2}_\w{30,}+|pcsk_\w{30,}+)"),
    _look("1Password", "ops_eyJ", r"ops_eyJ[\w+/=-]{30,}+"),
    _look("1Password", "A3-", r"A3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){4,5}"),
    _look("OpenShift", "sha256~", r"sha256~[\w-]{30,}+"),
    _look("Artifactory", "AKCp cmVmdGtuO", r"(?:AKCp[A-Za-z0-9]{50,}+|cmVmdGtuO[A-Za-z0-9]{40,}+)"),
    _look("CircleCI", "CCIP", r"CCIP(?:AT|RJ)_[\w-]{30,}+"),
    _look("Buildkite", "bkua_", r"bkua_[0-9a-f]{30,}+"),
    _look("Mailgun", "key-", r"key-[0-9a-f]{32}(?![0-9a-zA-Z])"),
    _look("Mapbox", "sk.eyJ", r"sk\.eyJ[\w-]{20,}+\.[\w-]{10,}+"),
    _look(
        "Duffel, Shippo, Flutterwave", "duffel_ shippo_ FLWSECK", r"(?:duffel|shippo|FLWSECK)_[A-Za-z]+[_-][\w=-]{16,}+"
    ),
    _look("EasyPost", "EZAK EZTK", r"EZ[AT]K[A-Za-z0-9]{40,}+"),
    _look("Contentful, Frame.io, Infracost", "CFPAT- fio-u- ico-", r"(?:CFPAT|fio-u|ico)-[\w=-]{32,}+"),
    _look("Prefect, Readme", "pnu_ rdme_", r"(?:pnu|rdme)_[A-Za-z0-9]{30,}+"),
    _look("Clojars", "CLOJARS_", r"CLOJARS_[0-9a-z]{40,}+"),
    _look("Facebook", "EAA", r"EAA[BCGM][A-Za-z0-9]{80,}+"),
    _look("Harness", "pat. sat.", r"[ps]at\.[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}"),
    # crypt(5), htpasswd, PHC strings, RFC 2307, PostgreSQL's SCRAM: what can be tried out at leisure.
    _look(
        "hash of a password",
        "$2a$ $2b$ $2y$ $apr1$ $1$ $5$ $6$ $y$ $argon2 $pbkdf2 $scrypt {SSHA {SHA} SCRAM-SHA-256$ pbkdf2_sha",
        r"(?:\$(?:2[abxy]|apr1|1|5|6|y)\$[\w./$=,+-]{16,}+|\$(?:argon2|pbkdf2|scrypt)[\w./$=,+-]{16,}+"
        r"|\{S?SHA(?:256|512)?\}[\w+/=]{16,}+|SCRAM-SHA-256\$[\w+/=$:]{16,}+|pbkdf2_sha[0-9]+\$[\w+/=$.]{16,}+)",
    ),
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
