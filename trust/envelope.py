"""The file in which a manifest travels with its bento: one line of signature, then the signed bytes.

One file, so that a manifest and its signature are always of the same moment.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MANIFEST_FILE: Final = "football.manifest"
MOST_BYTES: Final = 4_194_304
_NAME: Final = b"football-manifest-1"
_LINE: Final = re.compile(_NAME + rb" ed25519 ([0-9a-f]{16}) ([0-9a-f]{128})")


class Envelope(NamedTuple):
    """Hold the parts of the file.

    Attributes:
        key_id: Of the key that is said to have signed.
        signature: Ed25519, 64 bytes, over ``signed_bytes(manifest)``.
        manifest: As it was signed; not to be read before the signature is believed.
    """

    key_id: str
    signature: bytes
    manifest: bytes


def signed_bytes(manifest: bytes) -> bytes:
    """Return what is signed: the name of the format comes first, so that no signature of anything else can pass for one."""
    return _NAME + b"\n" + manifest


def seal(envelope: Envelope) -> bytes:
    """Return the bytes of the file."""
    line = f" ed25519 {envelope.key_id} {envelope.signature.hex()}\n"
    return _NAME + line.encode() + envelope.manifest


def unseal(content: bytes) -> Envelope:
    """Return the parts of the file. Raises ValueError if it is none, for example because it was cut off."""
    line, _, manifest = content.partition(b"\n")
    found = _LINE.fullmatch(line)
    if found is None or not manifest:
        raise ValueError(f"{MANIFEST_FILE} is no signed manifest; it may have been cut off")
    return Envelope(found[1].decode(), bytes.fromhex(found[2].decode()), manifest)
