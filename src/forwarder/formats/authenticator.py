"""The lines of aws-iam-authenticator: logfmt or JSON, and klog, which client-go inside of it writes.

Source: aws-iam-authenticator, pkg/server (messages and their fields, by logrus).
"""

import re
from collections.abc import Mapping
from functools import partial

from forwarder.field_shapes import Keywords, flat_object
from forwarder.formats import klog, plain
from forwarder.formats.format import ALLOWED, DENIED, Format, Write, Written
from forwarder.formats.identity import account_of, actor_of, iam_kind, session_of, uid_part
from forwarder.formats.klog import LineHeader, header_of, parse_klog, read_json_line, severity_of_members
from forwarder.formats.logfmt import parse_logfmt
from forwarder.go_strings import QUOTED, unquote
from forwarder.json_values import JsonObject, JsonValue, as_keyword, as_keywords
from forwarder.log_headers import iso, read_time
from forwarder.visible_text import one_line, unbroken

# What the authenticator says at its start of the mappings it was given: of nobody's doing.
_MAPPING = re.compile(r"mapping iam ", re.IGNORECASE)
_OUTCOME = re.compile(r"\s*+access (?:granted|(?P<denied>denied))(?![\w-])", re.IGNORECASE)
# What only lines about requests have.
_IDENTITY = frozenset({"arn", "canonicalarn", "accesskeyid", "uid", "username", "userid", "groups"})
_NAME = re.compile(rf"{QUOTED.pattern}|\S++")


def writer_for(owner: str) -> Write:
    """What writes the lines of an AWS account's clusters."""
    return partial(_write, owner)


FORMAT = Format(writer_for)


def _write(owner: str, record: str, timestamp: int) -> Written:
    """A line of aws-iam-authenticator, logfmt or JSON; or one of klog, which client-go inside of it writes."""
    members: Mapping[str, JsonValue] | None = read_json_line(record)
    if members is None or not _is_the_authenticators(members):
        entry = parse_klog(record, timestamp)
        if entry is not None:
            return klog.block_of(entry), None
    members = parse_logfmt(record) if members is None else members
    header = header_of(members or {})
    if members is None or header.message is None or not _is_a_line(members, header):
        return {**plain.write(record, timestamp)[0], "parse_error": "not a logfmt line with a msg"}, None
    groups = _groups(members.get("groups"))
    pairs = _pairs(members, header)
    _fit_time(pairs, timestamp)
    message = pairs["msg"]
    is_mapping = _MAPPING.match(message) is not None
    if is_mapping:
        _name_identity(pairs)
    return {
        "severity": severity_of_members(members, header),
        "message": _sentence(pairs),
        "authenticator": {**flat_object(pairs), **_present(groups=Keywords()(groups))},
        **_present(
            actor=None if is_mapping else _actor(pairs, groups, owner),
            outcome=_outcome(message),
        ),
    }, None


def _is_a_line(members: Mapping[str, JsonValue], header: LineHeader) -> bool:
    """Whether members are a log line: what else is JSON may have a `message` too, such as an event of Kubernetes."""
    is_dated = header.time is not None or header.level is not None
    return header.message == "msg" or is_dated or not _IDENTITY.isdisjoint(members)


def _is_the_authenticators(members: Mapping[str, JsonValue]) -> bool:
    """Whether JSON is a line of the authenticator's own, and not of klog, whose lines have a `ts` and no level."""
    header = header_of(members)
    if header.time != "ts" or header.level is not None:
        return True
    message = str(members.get(header.message or ""))
    is_known = _outcome(message) is not None or _MAPPING.match(message) is not None
    return is_known or not _IDENTITY.isdisjoint(members)


def _pairs(members: Mapping[str, JsonValue], header: LineHeader) -> dict[str, str]:
    """The members but for groups, as texts; those of the header under the names that logrus gives them."""
    pairs = {
        name: text for name, value in members.items() if name != "groups" and (text := as_keyword(value)) is not None
    }
    for name, usual in ((header.time, "time"), (header.level, "level"), (header.message, "msg")):
        if name != usual and name is not None and name in pairs:
            pairs[usual] = pairs.pop(name)
    return pairs


def _groups(value: JsonValue) -> list[JsonValue]:
    """A list of JSON, or of Go (`[a b]`): its names are parted by blanks, unless they are quoted."""
    if not isinstance(value, str):
        return as_keywords(value)
    names = _NAME.findall(value[1:-1] if value.startswith("[") and value.endswith("]") else value)
    return [unquote(name) if QUOTED.fullmatch(name) else name for name in names]


def _fit_time(pairs: dict[str, str], timestamp: int) -> None:
    """Take away a time that cannot be right, and write one of another form as documents have it."""
    text = pairs.pop("time", None)
    time = read_time(text, timestamp)
    if text is not None and time is not None:
        pairs["time"] = text if text[10:11] == "T" else iso(time)


def _name_identity(pairs: dict[str, str]) -> None:
    """Give what a line at the start says of a mapping the names that lines about requests have."""
    for name, others in (("arn", ("role", "user")), ("accountid", ("accountID",))):
        found = next(filter(None, map(pairs.get, others)), None)
        if found is not None:
            pairs.setdefault(name, found)


def _outcome(message: str) -> str | None:
    found = _OUTCOME.match(message)
    return None if found is None else ALLOWED if found["denied"] is None else DENIED


def _actor(pairs: Mapping[str, str], groups: list[JsonValue], owner: str) -> JsonObject:
    """Whom a line is about; it has no source address, since the line's `client` is the API server."""
    username, arn, uid = pairs.get("username"), pairs.get("arn"), pairs.get("uid", "")
    if not (username or arn):
        return {}
    return actor_of(
        username=username,
        groups=groups,
        kind=iam_kind(username or "", groups, arn, owner),
        iam_arn=pairs.get("canonicalarn") or arn,
        iam_account=pairs.get("accountid") or uid_part(uid, "account") or account_of(arn),
        iam_principal=pairs.get("userid") or uid_part(uid, "principal"),
        session_name=pairs.get("session") or session_of(arn),
        access_key_id=pairs.get("accesskeyid"),
    )


def _sentence(pairs: Mapping[str, str]) -> str:
    """The message with the identity and the error that it is about."""
    identity = " as ".join(pairs[name] for name in ("arn", "username") if pairs.get(name))
    # Of the error, behind which nothing stands, the first line; a line break in another part must not take it away.
    parts = [unbroken(pairs.get("msg", "")), unbroken(identity or pairs.get("accountid", "")), pairs.get("error", "")]
    return one_line(": ".join(part for part in parts if part))


def _present(**members: JsonValue) -> JsonObject:
    """The members that say something."""
    return {name: value for name, value in members.items() if value}
