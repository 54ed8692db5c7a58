"""Which names tell that a secret follows, and which values under such a name are none.

A name is judged by its words, however it is written: `apiKey`, `API_KEY`, `api-key`, `spring.api.key`. The words behind
the telling one decide too: `passwordPolicy`, `TOKEN_URL` and `secretName` hold no secret, `PASSWORD_PROD` does.
"""

import re
from collections.abc import Iterable
from enum import IntEnum


def _words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


class Telling(IntEnum):
    """How much a name tells: nothing, that a value which looks random is a secret, or that any value is."""

    NO = 0
    IF_RANDOM = 1
    YES = 2


LONGEST_NAME = 128

_REMEMBERED = 20_000

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CAMEL = re.compile(r"[a-z][A-Z]")
# Quickly: most names have none of this.
_HOT = re.compile(r"token|pass|pwd|pw|psk|pat|secret|credential|creds|key|auth|cookie|sig|wort", re.IGNORECASE)
# Also where words are written as one: `identitytoken`, `dbpassword`, `secretkey`.
_TELLING_END = re.compile(
    r"(?:(?:token|password|passwd|passphrase|passcode|passwort|kennwort|secret|credential)s?"
    r"|(?:api|app|secret|private|access|auth|account|encryption|signing|master|shared|license)keys?"
    r"|basicauth|masterauth|authtok|[a-z]{2,}pw|psk"
    r"|(?:db|admin|root|user|smtp|mail|ftp|http|ssh|ssl|store|key|redis|mysql|pg|proxy|ldap|app|my|auth|require|sudo"
    r"|become|vnc|wifi|rpc|bind|gpg|zip|cert|tls|mq|rabbit|mongo|sa|su)pass"
    r"|(?:db|admin|root|user|smtp|redis|mysql|pg|ldap|app|my)pwd)$"
)
_TELLING_ALONE = frozenset(("pass", "pwd", "pw", "creds"))
# Only of npm: base64 of `user:password`.
_NPM_AUTH = "_auth"
# Of Confluent's clients (`user:password`), SonarQube (a token), and Vault's development server.
_WHOLE_NAMES = ("auth.user.info", "sonar.login", "root_token_id", "root-token-id")
# `REDIS_AUTH`, `basic auth`.
_BEFORE_AUTH = frozenset(("basic", "redis", "rediscli"))
# Only as the last word: `Proxy-Authorization`, not `authorization.example.com`.
_TELLING_LAST = frozenset(("authorization", "cookie", "cookies"))
# `api key`, `encryption key`, …; not `public key`, `partition key`, `topology key`.
_BEFORE_KEY = _words_of(
    "access account activation admin aes agent api app application auth authentication backup bot certificate "
    "cipher client consumer cookie credential crypt crypto data dek deploy dkim ecdsa enc encrypt encryption fernet "
    "function functions hmac host ingest ingestion instrumentation integration jwt kek kms ldap licence license "
    "master merchant oauth payment pgp preshared private project rails recovery role root rsa salt saml sas seal "
    "secret secure security server service session shared sharedaccess sign signature signing smtp ssh ssl storage "
    "subscription tls unseal user vapid vault wallet webhook wireguard write"
)
_NO_KEYS = frozenset(("public", "partition", "topology", "sort", "primary", "foreign", "cache", "idempotency", "label"))
_IF_RANDOM_ALONE = frozenset(("key", "keys", "auth", "sig", "signature"))
# Behind a telling word: it names something about the secret, or a place where the secret is.
_ABOUT = _words_of(
    "account accounts age agent alg algo algorithm allowed annotation annotations arn at attempts audience "
    "audiences backend binding bucket budget cache caching change changed charset check checker checksum class "
    "classes cleaner complexity config configmap configured controller cost count created date dates days deadline "
    "default description digest dir directory disable disabled driver duration email enable enabled encoding "
    "endpoint endpoints engine error errors exchange exists expiration expire expired expires expiry field fields "
    "file filename files fingerprint folder format found generation generator grant group groups header headers "
    "help hint history host hosts hours id identifier identity ids index init inject injector interval "
    "introspection issuer key keyref keys kind kubeconfig label labels length lifetime limit limits list location "
    "login lookup manager map mapping max message method min minutes mode module mount mounted name names namespace "
    "namespaces number operator optional owner path paths per period plugin policies policy port prefix price "
    "prompt provider providers provisioner proxy public quota rate reader reason ref reference references refresh "
    "refs region reloader renew request requests required reset resource response review reviews revocation role "
    "roles rotate rotated rotation rule rules schema scope scopes seconds selector selectors server service "
    "services set sha sha256 size source spec state status stdin store stores strategy strength suffix sync syncer "
    "template templates thumbprint time timeout transport ttl type types updated uri url usage used user username "
    "validation validator validity version volume volumemount volumemounts volumes webhook window"
)
# In front of it: a number of tokens, a switch, or what names a Secret.
_NOT_BEHIND = _words_of(
    "automount bypass count disable enable existing external from has inject is legacy max min no num number per "
    "pull require requires show stale total use uses verify"
)
# `checksum/secret`, by which Helm charts restart pods.
_OF_VAULT = frozenset(("vault", "role", "approle"))
_CHECKSUMS = frozenset(("checksum", "checksums", "hash", "sha256", "digest"))
_METADATA_OF_FIELDS = ("f:", "k:", "v:")
_KUBERNETES_ABOUT_TOKENS = "authentication.k8s.io/"


class Names:
    """Judges names; it remembers those that it has seen.

    Args:
        extra: further names whose values are secrets, in any spelling; also as the last words of a longer name.
    """

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self._extra = tuple(words for name in extra if (words := "".join(_words(name))))
        self._known: dict[str, Telling] = {}

    def telling(self, name: str) -> Telling:
        """How much the name tells."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[name] = self._judge(name)
        return known

    @staticmethod
    def is_about(name: str) -> bool:
        """Whether a name below a telling one is of something else than the secret: its name, its place, its user."""
        words = _words(name)
        return bool(words) and words[-1] in _ABOUT

    def _judge(self, name: str) -> Telling:
        if self._extra and "".join(_words(name)).endswith(self._extra):
            return Telling.YES
        if len(name) > LONGEST_NAME or _HOT.search(name) is None:
            return Telling.NO
        domain, _, last = name.rpartition("/")
        is_metadata = name.startswith((*_METADATA_OF_FIELDS, _KUBERNETES_ABOUT_TOKENS))
        if is_metadata or not _CHECKSUMS.isdisjoint(_words(domain)):
            return Telling.NO
        if last == _NPM_AUTH or name.lower().endswith(_WHOLE_NAMES):
            return Telling.YES
        words = _words(last)
        if words[-2:] == ["secret", "id"]:
            # Of Vault's AppRole it is a secret, of AWS the name of one.
            return Telling.YES if not _OF_VAULT.isdisjoint(words) else Telling.IF_RANDOM
        return _judge_words(words, is_camel=_CAMEL.search(last) is not None)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _judge_words(words: list[str], *, is_camel: bool) -> Telling:
    """By the last telling word, and what stands around it."""
    for place in range(len(words) - 1, -1, -1):
        telling = _judge_word(words, place)
        if telling is Telling.NO:
            continue
        before, behind = (
            words[place - 1] if place else "",
            [word for word in words[place + 1 :] if not word.isdecimal()],
        )
        if before in _NOT_BEHIND or not _ABOUT.isdisjoint(behind):
            return Telling.NO
        if any(word not in _SAYS_NOTHING for word in behind) and is_camel:
            return Telling.NO
        return telling
    return Telling.NO


# Behind it, saying nothing: `tokenValue`, `password1`, `secretOld`, `apiKeyB64`.
_SAYS_NOTHING = _words_of(
    "b64 base bcrypt content crypt current data default dev encoded hash hashed hex live main new next old plain "
    "plaintext prev previous primary prod production raw secondary staging str string test text v val value"
)


# Words that tell behind certain others only.
_TELLING_BEHIND = {"key": _BEFORE_KEY, "keys": _BEFORE_KEY, "auth": _BEFORE_AUTH}


def _judge_word(words: list[str], place: int) -> Telling:
    word, before = words[place], words[place - 1] if place else ""
    if _TELLING_END.search(word) is not None or word in _TELLING_ALONE or before in _TELLING_BEHIND.get(word, ()):
        return Telling.YES
    # `GITHUB_PAT` is a personal access token.
    if place == len(words) - 1 and (word in _TELLING_LAST or (word == "pat" and before)):
        return Telling.YES
    if word in _IF_RANDOM_ALONE and _NO_KEYS.isdisjoint(words[:place]):
        return Telling.IF_RANDOM
    return Telling.NO
