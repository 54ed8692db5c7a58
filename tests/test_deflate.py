"""gzip with ISA-L and with the standard library alone."""

import gzip as standard
import subprocess
import sys
from pathlib import Path

from forwarder.deflate import gzip, inflater

SOURCE = Path(__file__).parent.parent / "src"
BODY = b'{"verb":"get"}\n' * 10_000
WITHOUT_ISAL = """
import sys
sys.modules["isal"] = None
from forwarder.deflate import gzip, inflater
body = sys.stdin.buffer.read()
compressed = gzip(body)
assert inflater().decompress(compressed, len(body)) == body
sys.stdout.buffer.write(compressed)
"""


def test_what_is_compressed_is_gzip_and_small() -> None:
    compressed = gzip(BODY)
    assert standard.decompress(compressed) == BODY
    assert inflater().decompress(compressed, len(BODY)) == BODY
    assert len(compressed) < len(BODY) / 20


def test_the_standard_library_does_the_same_where_isal_is_missing() -> None:
    compressed = subprocess.run(  # noqa: S603 - our own interpreter and script; no shell
        [sys.executable, "-c", WITHOUT_ISAL],
        input=BODY,
        env={"PYTHONPATH": str(SOURCE)},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    assert standard.decompress(compressed) == BODY
