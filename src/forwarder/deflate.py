"""gzip, by Intel's ISA-L where it is installed (also on arm64): several times faster than zlib, at the same size.

Without it the standard library does the same.
"""

import zlib
from typing import Protocol

try:
    from isal.isal_zlib import IsalError, compress, decompressobj

    # Of its levels 0 to 3 the best for its time: as small as zlib's 1, in a fifth of that one's time.
    _LEVEL = 2
except ImportError:
    from zlib import compress, decompressobj  # type: ignore[assignment]  # the same functions, typed otherwise
    from zlib import error as IsalError  # type: ignore[assignment]  # noqa: N812 - its name where ISA-L is there

    # A third of level 9's time, for a tenth more bytes.
    _LEVEL = 1

INFLATE_ERRORS: tuple[type[Exception], ...] = (zlib.error, IsalError)  # type: ignore[assignment]  # a class, whatever its stub says

_GZIP = zlib.MAX_WBITS | 16
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


class Inflater(Protocol):
    """What `zlib.decompressobj` gives: see there."""

    @property
    def eof(self) -> bool:
        """Whether the end of the compressed data was reached."""

    @property
    def unused_data(self) -> bytes:
        """What stands behind that end."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """Inflate to at most so many bytes; raises one of INFLATE_ERRORS."""


def inflater() -> Inflater:
    """Inflates gzip or zlib, whichever it meets."""
    return decompressobj(_GZIP_OR_ZLIB)


def gzip(body: bytes) -> bytes:
    """The body as gzip, quickly made."""
    return compress(body, _LEVEL, _GZIP)
