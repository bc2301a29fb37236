"""Why a release was not made. The command says the message and ends with exit code 1."""

from __future__ import annotations


class DeployFailed(Exception):
    """Say what was not done, why, and what serves now."""


class StateUnreadable(DeployFailed):
    """Say that the file that tells what is to serve is damaged."""


class AnotherIsAtIt(DeployFailed):
    """Say that another process changes the releases just now."""


class NotKept(DeployFailed):
    """Say which bento there is no copy of to serve."""


class NotReady(DeployFailed):
    """Say that a server did not come up, and what it logged last."""


class ProxyMissing(DeployFailed):
    """Say that there is no HAProxy, or that it does not start."""


class Breach(DeployFailed):
    """Say which bound live traffic broke; the release is taken back."""


class Refused(DeployFailed):
    """Say why the gate did not let a bento through; nothing was changed, no request was touched."""


class NotWritten(DeployFailed):
    """Say what could not be written, such as to a full disk; what served goes on serving."""
