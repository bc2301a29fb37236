"""The public keys that this machine believes, those it never will again, and the floor that only rises.

All of it is plain files in one folder, read anew each time: a key that is
revoked is revoked for the next load, without a restart.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from pathlib import Path
from typing import Final

from trust.errors import Untrusted

KEY_ID: Final = re.compile(r"[0-9a-f]{16}")
TRUSTED: Final = "trusted"
REVOKED: Final = "revoked"
FLOOR: Final = "floor"
_PEM: Final = re.compile(r"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]{1,200})-----END PUBLIC KEY-----\s*")
_ED25519: Final = bytes.fromhex("302a300506032b6570032100")  # how X.509 says that an Ed25519 key follows; RFC 8410


class Keyring:
    """Look up whom this machine believes.

    Args:
        folder: Holds ``trusted/KEY_ID.pub``, ``revoked/KEY_ID`` and ``floor``; what is not there is empty.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def public_key(self, key_id: str) -> bytes:
        """Return the 32 bytes of a trusted key. Raises Untrusted if it was revoked, or never trusted."""
        if self.is_revoked(key_id):
            raise Untrusted([f"key {key_id} was revoked"])
        try:
            key = read_public_key((self.folder / TRUSTED / f"{key_id}.pub").read_text(encoding="ascii"))
        except FileNotFoundError as error:
            raise Untrusted(
                [f"key {key_id} is not trusted here; if it should be: football keys trust FILE.pub"]
            ) from error
        except (OSError, ValueError) as error:
            raise Untrusted([f"trusted key {key_id} cannot be read: {error}"]) from error
        if key_id_of(key) != key_id:
            raise Untrusted([f"the file of trusted key {key_id} holds key {key_id_of(key)}"])
        return key

    def is_revoked(self, key_id: str) -> bool:
        """Return whether a key was revoked; where that cannot be read, it was."""
        try:
            (self.folder / REVOKED / key_id).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def trusted(self) -> list[str]:
        """Return the ids of the trusted keys, revoked ones left out."""
        named = sorted(file.stem for file in (self.folder / TRUSTED).glob("*.pub"))
        return [key_id for key_id in named if KEY_ID.fullmatch(key_id) and not self.is_revoked(key_id)]

    def revoked(self) -> list[str]:
        """Return the ids of the revoked keys."""
        return sorted(file.name for file in (self.folder / REVOKED).glob("*") if KEY_ID.fullmatch(file.name))

    def floor(self) -> int:
        """Return the lowest sequence that is believed, 0 where none was set. Raises Untrusted if it cannot be read."""
        try:
            text = (self.folder / FLOOR).read_text(encoding="ascii")
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            raise Untrusted([f"the floor cannot be read: {error}"]) from error
        if not text.strip().isdigit():
            raise Untrusted([f"the floor is {text[:20]!r}, expected a whole number"])
        return int(text)


def key_id_of(public_key: bytes) -> str:
    """Return the id of a key: the first 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def read_public_key(pem: str) -> bytes:
    """Return the 32 bytes of an Ed25519 public key in PEM, as ``openssl pkey -pubout`` writes it, too.

    Raises:
        ValueError: If it is anything else.
    """
    found = _PEM.fullmatch(pem)
    try:
        told = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    except binascii.Error as error:
        raise ValueError(f"expected an Ed25519 public key in PEM: {error}") from error
    if len(told) != len(_ED25519) + 32 or not told.startswith(_ED25519):
        raise ValueError("expected an Ed25519 public key in PEM")
    return told[len(_ED25519) :]


def write_public_key(public_key: bytes) -> str:
    """Return the PEM of 32 bytes of an Ed25519 public key."""
    told = base64.b64encode(_ED25519 + public_key).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{told}\n-----END PUBLIC KEY-----\n"
