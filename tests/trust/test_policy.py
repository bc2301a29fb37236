"""Whose signature is believed: that of a trusted key, over these very bytes, not older than the floor."""

from __future__ import annotations

import pytest
from manifests import manifest

from deploy.keys import SigningKey, make_key, raise_floor, revoke_key
from trust.envelope import Envelope, seal, signed_bytes, unseal
from trust.errors import Untrusted
from trust.keyring import Keyring, key_id_of, read_public_key, write_public_key
from trust.policy import Policy

SPELLED = manifest().encode()


@pytest.fixture
def key(tmp_path) -> SigningKey:
    return make_key(tmp_path / "keys")


@pytest.fixture
def policy(key) -> Policy:
    return Policy(Keyring(key.folder))


def test_what_a_trusted_key_signed_is_believed(policy, key):
    """
    The manifest comes back with the id of the key.
    """
    assert policy.believed(key.seal(SPELLED)) == (manifest(), key.key_id)


def test_no_byte_of_a_signed_manifest_can_change(policy, key):
    """
    Whichever byte of the file is another, of the line of signature or of the manifest, it is not believed.
    """
    sealed = key.seal(SPELLED)
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(Untrusted):
            policy.believed(bytes(altered))


def test_no_part_of_a_signed_manifest_is_enough(policy, key):
    """
    Wherever the file was cut off, it is not believed.
    """
    sealed = key.seal(SPELLED)
    for length in range(len(sealed)):
        with pytest.raises(Untrusted):
            policy.believed(sealed[:length])


def test_a_manifest_is_not_read_before_its_signature_is_believed(policy, key, tmp_path):
    """
    Broken JSON under a wrong signature is said to be wrongly signed; only under a good one is it said to be broken.
    """
    other = make_key(tmp_path / "elsewhere")
    envelope = Envelope(key.key_id, other.private.sign(signed_bytes(b"{")), b"{")

    with pytest.raises(Untrusted, match="signature is not that of key"):
        policy.believed(seal(envelope))
    with pytest.raises(Untrusted, match="cannot be read"):
        policy.believed(key.seal(b"{"))


def test_a_signature_of_something_else_is_none_of_a_manifest(policy, key):
    """
    What the key signed without the name of the format in front does not pass for a manifest.
    """
    with pytest.raises(Untrusted, match="signature is not that of key"):
        policy.believed(seal(Envelope(key.key_id, key.private.sign(SPELLED), SPELLED)))


def test_an_unknown_key_is_refused_until_it_is_trusted(policy, tmp_path):
    """
    Another machine's key is not believed, and the reason says how it would be.
    """
    other = make_key(tmp_path / "elsewhere")
    with pytest.raises(Untrusted, match=f"{other.key_id} is not trusted here.*football keys trust"):
        policy.believed(other.seal(SPELLED))


def test_a_revoked_key_is_refused_for_what_it_signed_before(policy, key):
    """
    Revoking works at once and backwards, although the key still lies among the trusted ones.
    """
    sealed = key.seal(SPELLED)
    assert policy.believed(sealed)
    revoke_key(key.folder, key.key_id)

    with pytest.raises(Untrusted, match="was revoked"):
        policy.believed(sealed)


def test_a_key_under_the_name_of_another_is_refused(policy, key, tmp_path):
    """
    A trusted file counts for the key that it holds, whatever it is called.
    """
    other = make_key(tmp_path / "elsewhere")
    (key.folder / "trusted" / f"{other.key_id}.pub").write_bytes((key.folder / "signing.pub").read_bytes())

    with pytest.raises(Untrusted, match=f"holds key {key.key_id}"):
        policy.believed(other.seal(SPELLED))


@pytest.mark.parametrize("place", ["settings", "keys"])
def test_what_is_older_than_the_floor_is_refused(policy, key, place):
    """
    A sequence below the floor of the settings or of the folder is too old, one on it is not.
    """

    def at(floor: int) -> Policy:
        if place == "settings":
            return Policy(policy.keyring, floor=floor)
        raise_floor(key.folder, floor)
        return policy

    assert at(7).believed(key.seal(SPELLED))
    with pytest.raises(Untrusted, match="sequence 7 is older than the floor, 8"):
        at(8).believed(key.seal(SPELLED))


def test_a_floor_that_cannot_be_read_lets_nothing_pass(policy, key):
    """
    A damaged floor refuses rather than counts as none.
    """
    (key.folder / "floor").write_text("many")

    with pytest.raises(Untrusted, match="floor is 'many'"):
        policy.believed(key.seal(SPELLED))


def test_an_envelope_is_unsealed_as_it_was_sealed():
    """
    Key, signature and manifest come back, line ends within the manifest too.
    """
    envelope = Envelope("0123456789abcdef", bytes(range(64)), b"a\nb\n")

    assert unseal(seal(envelope)) == envelope


def test_a_public_key_is_what_openssl_writes():
    """
    The PEM of the key of RFC 8410 is read, and written the same.
    """
    pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"

    raw = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"  # pragma: allowlist secret
    assert read_public_key(pem).hex() == raw
    assert write_public_key(read_public_key(pem)) == pem
    assert len(key_id_of(read_public_key(pem))) == 16
    for broken in (pem[:-40], pem.replace("MCow", "MCox"), "", pem + pem):
        with pytest.raises(ValueError, match="Ed25519 public key"):
            read_public_key(broken)
