"""The keys that sign bentos: making one, trusting and revoking public ones, and raising the floor.

A private key is needed where bentos are built, never where they are served.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from trust.envelope import Envelope, seal, signed_bytes
from trust.keyring import FLOOR, KEY_ID, REVOKED, TRUSTED, Keyring, key_id_of, read_public_key, write_public_key

DEFAULT_NAME: Final = "signing"
_NAME: Final = re.compile(r"[a-z0-9][-_a-z0-9]{0,62}")
_SEQUENCE: Final = "sequence"


class KeyRefused(Exception):
    """Say why a key cannot be made, read, trusted or revoked, and what to do."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Hold a private key, what it is called, and the folder of keys that it is from."""

    name: str
    key_id: str
    private: Ed25519PrivateKey
    folder: Path

    def seal(self, manifest: bytes) -> bytes:
        """Return the file that carries a manifest with its signature."""
        return seal(Envelope(self.key_id, self.private.sign(signed_bytes(manifest)), manifest))


def make_key(keys: Path, name: str = DEFAULT_NAME) -> SigningKey:
    """Make ``NAME.key`` (mode 0600) and ``NAME.pub`` in the folder of keys, and trust the key here.

    Raises:
        KeyRefused: If there is a key of that name; none is ever overwritten.
    """
    if not _NAME.fullmatch(name):
        raise KeyRefused(
            f"{name!r} cannot name a key; expected a-z, 0-9, '-' and '_', starting with a letter or a digit."
        )
    for file in (keys / f"{name}.key", keys / f"{name}.pub"):
        if file.exists():
            raise KeyRefused(f"{file} is there already and is not overwritten. Choose another name: --name NAME")
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _create(keys / f"{name}.key", pem, mode=0o600)
    _create(keys / f"{name}.pub", write_public_key(public).encode(), mode=0o644)
    return SigningKey(name, trust_key(keys, keys / f"{name}.pub"), private, keys)


def find_key(keys: Path, name: str | None = None) -> SigningKey | None:
    """Return the private key of a name; without one the only one there is, None if there is none.

    Raises:
        KeyRefused: If it is not there, one of several, revoked, readable by others, or no Ed25519 key.
    """
    named = [name] if name else sorted(file.stem for file in keys.glob("*.key"))
    if len(named) > 1:
        raise KeyRefused(f"There are several signing keys in {keys}: {', '.join(named)}. Choose one with --key NAME.")
    return _read_key(keys, named[0]) if named else None


def trust_key(keys: Path, file: Path) -> str:
    """Trust the public key in a PEM file from now on, and return its id. Raises KeyRefused if it is none, or was revoked."""
    try:
        public = read_public_key(file.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise KeyRefused(f"{file} is no public key to trust: {error}.") from error
    key_id = key_id_of(public)
    if Keyring(keys).is_revoked(key_id):
        raise KeyRefused(
            f"Key {key_id} was revoked here, which is for good. Make another: football keys init --name NAME"
        )
    (keys / TRUSTED).mkdir(mode=0o755, parents=True, exist_ok=True)
    _replace(keys / TRUSTED / f"{key_id}.pub", write_public_key(public))
    return key_id


def revoke_key(keys: Path, key_id: str) -> None:
    """Believe nothing that a key has signed or will sign, for good; the key may be unknown here. Raises KeyRefused if it is no id."""
    if not KEY_ID.fullmatch(key_id):
        raise KeyRefused(
            f"{key_id!r} is no id of a signing key; expected 16 hexadecimal digits. See: football keys list"
        )
    (keys / REVOKED).mkdir(mode=0o755, parents=True, exist_ok=True)
    _replace(keys / REVOKED / key_id, f"{int(time.time())}\n")


def raise_floor(keys: Path, sequence: int) -> int:
    """Believe no sequence below this from now on; a floor never sinks. Return the floor.

    Raises:
        Untrusted: If the floor that is there cannot be read.
    """
    with _locked(keys):
        floor = max(sequence, Keyring(keys).floor())
        _replace(keys / FLOOR, f"{floor}\n")
    return floor


def next_sequence(keys: Path) -> int:
    """Return a number that is higher than all before it: the seconds since 1970, or one more than the last one.

    Raises:
        KeyRefused: If the last one cannot be read.
    """
    with _locked(keys):
        file = keys / _SEQUENCE
        last = file.read_text(encoding="ascii", errors="replace").strip() if file.exists() else "0"
        if not last.isdecimal():
            raise KeyRefused(
                f"{file} holds {last[:20]!r}, expected the last sequence. Remove it to go on from the time."
            )
        sequence = max(int(last) + 1, int(time.time()))
        _replace(file, f"{sequence}\n")
    return sequence


def _read_key(keys: Path, name: str) -> SigningKey:
    file = keys / f"{name}.key"
    try:
        if file.stat().st_mode & 0o077:
            raise KeyRefused(f"{file} can be read by others. Make another key, or: chmod 600 {file}")
        private = load_pem_private_key(file.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise KeyRefused(
            f"There is no signing key {name!r} in {keys}. Make it: football keys init --name {name}"
        ) from error
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyRefused(f"{file} is no private key in PEM without a password: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyRefused(f"{file} holds a key of another kind; expected Ed25519.")
    key_id = key_id_of(private.public_key().public_bytes_raw())
    if Keyring(keys).is_revoked(key_id):
        raise KeyRefused(
            f"Key {name!r} ({key_id}) was revoked. Remove {file}, or make another: football keys init --name NAME"
        )
    return SigningKey(name, key_id, private, keys)


@contextmanager
def _locked(keys: Path) -> Iterator[None]:
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(keys, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _create(file: Path, content: bytes, *, mode: int) -> None:
    """Write a file that must not be there yet."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(descriptor)


def _replace(file: Path, text: str) -> None:
    """Write a file that appears whole or not at all."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    _create(draft, text.encode(), mode=0o644)
    draft.replace(file)
