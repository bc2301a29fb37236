"""The secret that signs cached values, kept in a file that only its owner reads."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from api.caching.entry import SHORTEST_SECRET_BYTES

NEW_SECRET_BYTES = 32


def load_secret(path: Path) -> bytes:
    """Read the secret, or make one of 32 random bytes; of several processes that race, all get the same.

    Raises:
        ValueError: The file holds fewer than 16 bytes.
        OSError: The file or its folder cannot be read or made.
    """
    if not path.exists():
        _create(path)
    secret = path.read_bytes()
    if len(secret) < SHORTEST_SECRET_BYTES:
        raise ValueError(
            f"The file {path.name} holds {len(secret)} bytes; a secret has at least {SHORTEST_SECRET_BYTES}. "
            "Remove it, and a new one is made at the next start."
        )
    return secret


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(NEW_SECRET_BYTES))
            file.flush()
            os.fsync(descriptor)
        # A link appears whole or not at all, and never replaces the secret of whoever was first.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
