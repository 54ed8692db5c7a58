"""The literals without which no rule applies, searched for in many records at once.

Where a word may begin with either case, its first letter is left out; and where many words of audit events begin alike,
the first ones are, since it is the first three letters that decide how fast the search is. It takes a hundredth of the
time of a regular expression.
"""

from collections.abc import Iterable, Iterator, Sequence

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation, MatchKind

from forwarder.redaction.looks import LOOKS, searchable

# Of telling names.
_OF_NAMES = (
    *("oken", "OKEN", "pass", "Pass", "PASS", "pwd", "Pwd", "PWD", "ecret", "ECRET", "reds", "REDS", "REDENTIAL"),
    # Not `authentication.kubernetes.io/credential-id` and `authorization.k8s.io/…`: every event has them.
    *('redential"', "redentials", "redential\\", "redential=", "redential:", "redential("),
    *('uthorization"', "uthorization\\", "uthorization:", "uthorization=", "Authorization", "UTHORIZATION"),
    *("Key", "KEY", "_key", "-key", ".key", "pikey", "ppkey", "sskey", "thkey", "ntkey", "onkey", "ngkey", "erkey"),
    *("dkey", "sekey", "tekey", 'kty"', "kty\\"),
    *("asic", "ASIC", '"auth"', '"auth\\', "ookie", "OOKIE", 'pw"', "pw\\", "pw=", "pw:", "pw ", "_PW", "PW"),
    *("psk", "PSK", "_auth=", "_AUTH", "rauth", "_PAT", "_pat", "ennwort", "thtok"),
)
_OF_SCHEMES = ("earer", "EARER", "mz-", "MZ-", "sig=", "sig%", "%3AA", "ignature")
_OF_ADDRESSES = ("://", "%3A%2F%2F", "%3a%2f%2f", "@tcp", "@unix", "%40tcp", "LS0tLS1CRUdJTi")
_OF_COMMANDS = (
    *("mysql", "mariadb", "redis-cli", "curl", "mongo", "ldap", "sqlcmd", "login", "from-literal", "sshpass"),
    *("nssl", "vault", "etcdctl", "smbclient", "| kinit", "C+kinit", "0kinit", "rabbitmq", "sqlplus", "cqlsh", "lftp"),
    *("mosquitto", "ipmitool", "obscure", "cypher-shell", "beeline", "zip", "lias", "lkey-cli", "snmp", "freerdp"),
    *(
        "twine",
        "radd",
        "rmod",
        "SecureString",
        '"7z',
        "7z ",
        "=7z",
        "xpdp",
        "mpdp",
        "octl",
        "nflux",
        "sudo -S",
        "sudo+-S",
        "htpasswd",
    ),
)
# Of SQL, in which a password has no name.
_OF_SQL = ("DENTIFIED", " identified", "+identified", "0identified")
# Of dumps of Go and of addresses without a scheme that ends in `://`.
_OF_DUMPS = ("]byte", "]uint8", "oracle:", "ngData", "s auth ", " on >", "th=(", ": EAP", "| su ")
LITERALS = tuple(
    dict.fromkeys(
        (
            *_OF_NAMES,
            *_OF_SCHEMES,
            *_OF_ADDRESSES,
            *_OF_COMMANDS,
            *_OF_SQL,
            *_OF_DUMPS,
            *(literal for look in LOOKS for literal in look.literals),
        )
    )
)
SHORTEST = min(map(len, LITERALS))
# The end of `accessKeyId`, which most audit events of EKS have: found instead of `Key`, and of no interest.
_TELLS_NOTHING = 'KeyId":'
# So few at a time, of three bytes or more, are searched for by comparing many bytes at once (the packed search of the
# aho-corasick crate), which is faster than one automaton for all as long as few places begin like one of them.
_AT_A_TIME = 43


def spellings(name: str) -> Iterator[str]:
    """A name as it may be written: `internal id`, `internalId`, `INTERNAL_ID`, `internal-id`."""
    words = name.replace("_", " ").replace("-", " ").replace(".", " ").split()
    yield name
    for joined in ("", "_", "-", "."):
        yield joined.join(words)
        yield joined.join(words).upper()
        yield joined.join(words).lower()
        yield joined.join(word.capitalize() for word in words)
    yield words[0].lower() + "".join(word.capitalize() for word in words[1:])
    # `customerID`: what is short may be an abbreviation.
    yield words[0].lower() + "".join(
        word.upper() if len(word) < len("word") else word.capitalize() for word in words[1:]
    )


class Literals:
    """Finds literals.

    Args:
        extra: further literals.
    """

    def __init__(self, extra: Iterable[str] = ()) -> None:
        # Sorted, so that those that begin alike are searched for together; without those that have another one in them.
        every = {*LITERALS, *extra}
        literals = sorted(text for text in every if not any(other in text for other in every if other != text))
        groups = [literals[first : first + _AT_A_TIME] for first in range(0, len(literals), _AT_A_TIME)]
        self._in_bytes = [
            BytesAhoCorasick([text.encode() for text in (_TELLS_NOTHING, *group)], MatchKind.LeftmostFirst)
            for group in groups
        ]
        self._of_commands = AhoCorasick(_OF_COMMANDS, implementation=Implementation.DFA)
        self._in_text = AhoCorasick(literals, implementation=Implementation.DFA)

    def found(self, texts: Sequence[str]) -> list[list[int]]:
        """Where in each of the texts a literal begins, by characters, from first to last."""
        joined = "\n".join(texts)
        encoded = joined.encode("utf-8", "surrogatepass")
        matches = [
            place for search in self._in_bytes for number, place, _ in search.find_matches_as_indexes(encoded) if number
        ]
        places: list[list[int]] = [[] for _ in texts]
        if not matches:
            return places
        is_ascii = len(encoded) == len(joined)
        lengths = [len(text if is_ascii else text.encode("utf-8", "surrogatepass")) for text in texts]
        number, begin = 0, 0
        end = lengths[0] if lengths else 0
        for place in sorted(matches):
            while place >= end:
                begin = end + 1
                number += 1
                end = begin + lengths[number]
            places[number].append(place - begin)
        for number, text in enumerate(texts):
            if places[number] and lengths[number] != len(text):
                places[number] = self.within(text)
        return places

    def within(self, text: str) -> list[int]:
        """Where in one text a literal begins, from first to last."""
        return [place for _, place, _ in self._in_text.find_matches_as_indexes(searchable(text))]

    def name_command(self, text: str) -> bool:
        """Whether a text has the name of a command."""
        return bool(self._of_commands.find_matches_as_indexes(searchable(text)))
