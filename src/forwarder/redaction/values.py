"""Values under a telling name that are no secrets: references, places, switches, numbers of things."""

import re

from forwarder.redaction.rules import MARK

_NO_SECRET = re.compile(
    # Nothing, a switch, or masked by somebody else.
    r"(?:true|false|yes|no|on|off|none|null|nil|<nil>|\(nil\)|undefined|n/a|\[?<?redacted>?\]?|\*+|x{3,}|\[\]|\{\}|map\[\]"
    # What was redacted within a dump.
    r"|[\w.&*]*[\[{(][\w.-]{1,64}:\(redacted\)[\]})]*"
    r"|optional|required|enabled|disabled|unset|empty)"
    # A variable, a template, a placeholder, a file read when it runs.
    r"|\$\w+|\$\{[\w.:]+\}|\$\([\w.]+\)|%\w+%|%\(\w+\)s|\{\{.*\}\}|\$\{\{.*\}\}|<[\w .-]+>"
    # What a shell puts in its place, but for words that it only repeats.
    r"|[\"']?\$\((?!\s*(?:echo|printf)\b)(?:[^()]|\(redacted\))*\)[\"']?|`(?!\s*(?:echo|printf)\b)\w[^`]* [^`]*`"
    r"|(?:os\.(?:environ|getenv)|process\.env|System\.getenv|getenv)[\w.(\[\"')\]]*"
    # The name of a secret in a store of secrets.
    r"|arn:aws[\w-]*:(?!.*://).*|(?:vault|op|awssm|gcpsm|azurekv|ref\+\w+|ssm|secretsmanager):[\w:/.#@+-]*"
    r"|projects/[\w-]+/secrets/[\w/-]+"
    # A file or a directory; nil pointers and addresses in Go's dumps.
    r"|~?\.{0,2}/(?:app|bin|certs?|config|data|dev|etc|home|host|keys?|lib|mnt|opt|private|proc|root|run|secrets?|srv|sys"
    r"|tmp|usr|var|vault|workspace)(?:/[\w.@+-]*)*"
    r"|[\w./~-]+\.(?:key|pem|crt|cert|pub|p12|pfx|jks|json|ya?ml|conf|cfg|ini|env|txt|token)"
    r"|\(\*?[\w./\[\]]+\)\((?:nil|0x[0-9a-f]+)\)|0x[0-9a-f]{6,16}",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_REFERENCE = 1000
_NUMBER = re.compile(r"[0-9][0-9_,.]*")
_KUBERNETES_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_QUALIFIED_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
# `tokenSecret: github-token` names a Secret; `clientSecret: …` is one.
_NAMES_A_SECRET = re.compile(
    r"(?i:token|password|credentials?|key|auth|tls|cert|certificate|ca|ssl|ssh|registry|image|kubeconfig)[_-]?"
    r"(?:[sS]ecret|SECRET)"
)
# `--creds user:X`, after it was redacted.
_USER_AND_MARK = re.compile(r"[^\s:]+:\(redacted\)")
_OBJECT = re.compile(r"(?:secret|credential|token)s?$", re.IGNORECASE)
# Annotations of controllers: `nginx.ingress.kubernetes.io/auth-secret: basic-auth`.
_ANNOTATION_OF_SECRET = re.compile(r"[\w.-]+\.[\w-]+/[\w.-]*?(?:secrets?|credentials?)(?:[_.-][\w-]+)?", re.IGNORECASE)
_RANDOM = re.compile(r"[A-Za-z0-9+/_=~-]{20,}")
_DIGIT, _LETTER = re.compile(r"[0-9]"), re.compile(r"[A-Za-z]")
_WORDS = re.compile(r"[a-z]+[0-9]{0,3}(?:[-_/][a-z0-9]{1,12}){2,}")


def is_no_secret(name: str, value: str) -> bool:
    """Whether the value under this telling name is plainly none: empty, a reference, a place, a number of things."""
    value = value.strip()
    if len(value) > _LONGEST_REFERENCE:
        return False
    if not value or value.startswith(MARK) or _NO_SECRET.fullmatch(value) is not None:
        return True
    if name.endswith("creds") and _USER_AND_MARK.fullmatch(value) is not None:
        return True
    return _is_number_or_reference(name, value)


def _is_number_or_reference(name: str, value: str) -> bool:
    """Whether the name says that its value is a number of things, or the name of a Secret, and the value is one."""
    if name.endswith(("s", "S")) and _NUMBER.fullmatch(value) is not None:
        return True
    if _ANNOTATION_OF_SECRET.fullmatch(name) is not None and (is_kubernetes_name(value) or is_qualified_name(value)):
        return True
    names_secret = name.endswith("secrets") or _NAMES_A_SECRET.fullmatch(name) is not None
    return names_secret and is_kubernetes_name(value)


def is_kubernetes_name(value: str) -> bool:
    """Whether the value can be the name of an object."""
    return _KUBERNETES_NAME.fullmatch(value) is not None


def names_an_object(name: str, value: str) -> bool:
    """Whether in a sentence a `namespace/name` follows the kind of an object: `secret="shop/tls"`."""
    return _OBJECT.search(name) is not None and is_qualified_name(value)


def is_qualified_name(value: str) -> bool:
    """Whether the value is `namespace/name`, as klog names objects."""
    return _QUALIFIED_NAME.fullmatch(value) is not None


def looks_random(value: str) -> bool:
    """Whether the value has letters and digits, no blanks and dots, and is no name of several words."""
    if _RANDOM.fullmatch(value) is None or _DIGIT.search(value) is None or _LETTER.search(value) is None:
        return False
    return _WORDS.fullmatch(value) is None
