"""What a manifest must be to be believed: signed by a trusted key, whole, and not older than the floor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from trust.envelope import MANIFEST_FILE, MOST_BYTES, signed_bytes, unseal
from trust.errors import Untrusted
from trust.files import read_file
from trust.keyring import Keyring
from trust.manifest import Manifest


class Believed(NamedTuple):
    """Hold a manifest whose signature is believed, and the id of the key that signed it."""

    manifest: Manifest
    key_id: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Say whom to believe.

    Attributes:
        keyring: The trusted keys of this machine.
        is_required: Whether what is not signed is refused; what is signed and does not verify is refused either way.
        floor: Lowest sequence that is believed; the keyring may ask for a higher one.
    """

    keyring: Keyring
    is_required: bool = False
    floor: int = 0

    def manifest_of(self, bento: Path, tag: str) -> Believed | None:
        """Return the manifest of a bento in a folder, None if it was never signed.

        Raises:
            Untrusted: If the manifest is not believed, or is of another bento.
        """
        content = read_file(bento, MANIFEST_FILE, most_bytes=MOST_BYTES)
        if content is None:
            return None
        believed = self.believed(content)
        if believed.manifest.bento != tag:
            raise Untrusted([f"its manifest is of another bento, {believed.manifest.bento}"])
        return believed

    def believed(self, content: bytes) -> Believed:
        """Return the manifest in a file's bytes; none of it is read before the signature is believed.

        Raises:
            Untrusted: If the key is unknown or revoked, the signature is not that of these bytes, the manifest is not in
                its one spelling, or it is older than the floor.
        """
        try:
            key_id, signature, spelled = unseal(content)
        except ValueError as error:
            raise Untrusted([str(error)]) from error
        if not _is_signed_by(self.keyring.public_key(key_id), signature, signed_bytes(spelled)):
            raise Untrusted([f"the signature is not that of key {key_id} over this manifest"])
        try:
            manifest = Manifest.decode(spelled)
        except ValueError as error:
            raise Untrusted([str(error)]) from error
        if manifest.sequence < (floor := max(self.floor, self.keyring.floor())):
            raise Untrusted([f"sequence {manifest.sequence} is older than the floor, {floor}"])
        return Believed(manifest, key_id)


def _is_signed_by(public_key: bytes, signature: bytes, signed: bytes) -> bool:
    # Eight megabytes that a process needs only where something is signed.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
