"""Why a proof could not be made; what it found is in its verdict."""

from __future__ import annotations


class ProofFailed(Exception):
    """Say what was missing, or what ended, before there was anything to judge."""
