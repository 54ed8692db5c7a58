"""The OpenSearch part of a check of the whole chain: from what was found to one finding for each link. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from eks_logs.errors import NotAllowed, NotProvided, NotReachable, SetupError
from eks_logs.findings import Finding, fail, ok, skipped, warn
from eks_logs.opensearch.conflicts import ExistingIndex, index_conflicts, template_conflicts
from eks_logs.opensearch.server import Caller, Server
from eks_logs.opensearch.target import ROLE, TEMPLATE, Wanted
from eks_logs.plan import Found, Resource, mapping_step, role_step, template_step
from forwarder.control_plane import LOG_TYPES

# Of a hundred documents. Some lines are no klog, such as a panic's; more of them are a format that is not known.
_MOST_NOT_PARSED = 5

_CALLER = "set OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD of the domain's master user, or name another --profile"
_NO_ROLES = (
    "OpenSearch Serverless has data access policies in place of roles: aws opensearchserverless list-access-policies"
)

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Documents:
    """How many documents of the last minutes there are: by log type, in all, not parsed, and slim among these."""

    by_type: Mapping[str, int]
    total: int
    not_parsed: int
    slim: int


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """What was found, None where there is nothing of the kind, and an error where it could not be read.

    Attributes:
        minutes: how far back documents were counted.
        caller: None on OpenSearch Serverless, which does not say.
        bulk: whether an empty bulk request came as far as OpenSearch; None if it was not sent.
    """

    wanted: Wanted
    minutes: int
    server: Server | SetupError
    caller: Caller | SetupError | None
    role: Resource | SetupError | None
    mapping: Resource | SetupError | None
    templates: Mapping[str, Resource] | SetupError
    indices: tuple[ExistingIndex, ...] | SetupError
    bulk: bool | SetupError | None
    documents: Documents | SetupError


@dataclass(frozen=True, slots=True)
class Mends:
    """The commands that mend, for the same stack or domain."""

    apply: str
    check: str


def check_domain(facts: DomainFacts, mends: Mends) -> tuple[Finding, ...]:
    """Every link in OpenSearch, in the order in which one depends on the other."""
    if isinstance(facts.server, NotReachable):
        return (fail("endpoint", str(facts.server), f"nothing else could be asked; then {mends.check}"),)
    wanted = facts.wanted
    return (
        ok("endpoint", "answers, with a certificate that is trusted"),
        check_caller(facts),
        check_version(facts.server),
        check_security(facts),
        *_read("rights", facts.role, lambda role: check_role(role, wanted, mends)),
        *_read("mapped", facts.mapping, lambda mapping: check_mapping(mapping, wanted, mends)),
        *_read("template", facts.templates, lambda templates: check_templates(templates, wanted, mends)),
        *_read("index", facts.indices, lambda indices: check_indices(indices, wanted)),
        check_bulk(facts),
        *_read("documents", facts.documents, lambda documents: check_documents(facts, documents)),
    )


def check_caller(facts: DomainFacts) -> Finding:
    """OpenSearch knows who asks."""
    if isinstance(facts.caller, Caller):
        return ok("caller", f"asks as {facts.caller.name}")
    refused = [error for error in (facts.caller, facts.server) if isinstance(error, NotAllowed)]
    return fail("caller", str(refused[0]), _CALLER) if refused else ok("caller", "is let in")


def check_version(server: Server | SetupError) -> Finding:
    """The server has composable index templates."""
    if isinstance(server, NotProvided):
        return fail("version", str(server), "upgrade the domain, or name its own address with --endpoint")
    if isinstance(server, SetupError):
        return skipped("version", str(server), _CALLER)
    return ok("version", server.name)


def check_security(facts: DomainFacts) -> Finding:
    """There is a security plugin, where roles are."""
    if facts.wanted.role is None:
        return skipped("security", _NO_ROLES)
    if isinstance(facts.caller, NotProvided):
        mend = "turn on fine-grained access control (Amazon OpenSearch Service developer guide)"
        return fail("security", str(facts.caller), mend)
    if isinstance(facts.caller, SetupError):
        return skipped("security", "the caller was refused", _CALLER)
    return ok("security", "the security plugin is there")


def check_role(role: Resource | None, wanted: Wanted, mends: Mends) -> Iterator[Finding]:
    """The role allows what the function does, and no more."""
    step = role_step(Found(role, None, None), wanted)
    if wanted.role is None:
        yield skipped("rights", _NO_ROLES)
    elif step is None:
        yield ok(
            "rights", f"role {ROLE} allows bulk requests to {wanted.template['index_patterns'][0]}, and nothing else"
        )
    else:
        yield fail("rights", f"role {ROLE} {_differs(role)}", mends.apply)


def check_mapping(mapping: Resource | None, wanted: Wanted, mends: Mends) -> Iterator[Finding]:
    """The function's IAM role has the role."""
    if wanted.role is None:
        yield skipped("mapped", _NO_ROLES)
    elif mapping_step(Found(None, mapping, None), wanted) is None:
        yield ok("mapped", f"{wanted.iam_role_arn} is mapped to role {ROLE}")
    else:
        yield fail("mapped", f"{wanted.iam_role_arn} is not mapped to role {ROLE}: it gets 403", mends.apply)


def check_templates(templates: Mapping[str, Resource], wanted: Wanted, mends: Mends) -> Iterator[Finding]:
    """Our index template is there, as wanted, and in effect."""
    ours = templates.get(TEMPLATE)
    if template_step(Found(None, None, ours), wanted) is None:
        yield ok("template", f"index template {TEMPLATE} is as wanted")
    else:
        yield fail("template", f"index template {TEMPLATE} {_differs(ours)}", mends.apply)
    yield from template_conflicts(templates, wanted)


def check_indices(indices: tuple[ExistingIndex, ...], wanted: Wanted) -> Iterator[Finding]:
    """What is written to has our mapping."""
    conflicts = tuple(index_conflicts(indices, wanted))
    yield from conflicts or (ok("index", f"no index of {wanted.index} has another mapping"),)


def check_bulk(facts: DomainFacts) -> Finding:
    """A bulk request of the function would come through; nobody else can sign one as the function."""
    if isinstance(facts.bulk, SetupError):
        return fail(
            "write", str(facts.bulk), "let the domain's access policy and the role's IAM policy allow es:ESHttpPost"
        )
    if facts.bulk is None:
        return skipped("write", "not tried: only the function can sign as itself; rights and mapped say what it may do")
    return ok("write", "an empty bulk request, signed as the function's role, came through")


def check_documents(facts: DomainFacts, documents: Documents) -> Iterator[Finding]:
    """Documents of each log type came within the last minutes, and were parsed."""
    yield _arrived(facts, documents)
    if documents.total:
        yield _parsed(documents)


def _arrived(facts: DomainFacts, documents: Documents) -> Finding:
    counted = ", ".join(f"{log_type} {documents.by_type.get(log_type, 0)}" for log_type in LOG_TYPES)
    message = f"{documents.total} in the last {facts.minutes} minutes: {counted}"
    quiet = "look at the links before this one, enable log types that are off, or look back further with --minutes"
    if not documents.total:
        message = f"none in the last {facts.minutes} minutes; new ones can be found after some 30 seconds"
        return fail("documents", message, quiet)
    if all(documents.by_type.get(log_type) for log_type in LOG_TYPES):
        return ok("documents", message)
    return warn("documents", message, quiet)


def _parsed(documents: Documents) -> Finding:
    share = 100 * documents.not_parsed / documents.total
    message = f"{documents.not_parsed} of {documents.total} not parsed ({share:.1f} %), {documents.slim} of them slim"
    if share < _MOST_NOT_PARSED and not documents.slim:
        return ok("parsed", message)
    return warn("parsed", message, "look at the reasons: search for parse_error:* and count by parse_error")


def _differs(resource: Resource | None) -> str:
    return "is missing" if resource is None else "was changed"


def _read(name: str, found: _Read | SetupError, check: Callable[[_Read], Iterable[Finding]]) -> Iterable[Finding]:
    return (skipped(name, str(found)),) if isinstance(found, SetupError) else check(found)
