"""What an image is made of, as a CycloneDX bill of materials: Debian's packages and Python's, the latter with their hashes.

Read out of the image itself, without a program of its own but Python, and compared with the lock that it was built from.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Final

from cyclonedx.model import HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

READ: Final = """
import importlib.metadata, json, pathlib
told = pathlib.Path("/var/lib/dpkg/status").read_text() if pathlib.Path("/var/lib/dpkg/status").exists() else ""
debian = [dict(line.split(": ", 1) for line in one.splitlines() if ": " in line and line[0] != " ") for one in told.split("\\n\\n")]
print(json.dumps({
    "python": sorted((one.metadata["Name"], one.version) for one in importlib.metadata.distributions()),
    "debian": sorted((one["Package"], one["Version"], one["Architecture"]) for one in debian if "installed" in one.get("Status", "")),
}))
"""
"""Run by the image's Python; prints what is installed."""

_PINNED: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)(?P<rest>(?:.*\\\n)*.*)", re.MULTILINE)
_SHA256: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAMES: Final = uuid.UUID("5d0a4bd8-0c5c-4b5f-9d4e-2f4f0c1f5d2b")


class NotAsLocked(ValueError):
    """Say which Python packages of an image are not in the lock that it was built from."""


def bill_of_materials(image: str, bento_tag: str, installed: str, lock: str) -> str:
    """Return the bill as JSON; the same image gives the same text.

    Args:
        image: Its name and version.
        installed: What ``READ`` has printed inside it.
        lock: The requirements of the bento, with hashes.

    Raises:
        NotAsLocked: If a Python package of the image, or its version, is not in the lock.
    """
    told, locked = json.loads(installed), pinned(lock)
    python = {(_plain(name), version) for name, version in told["python"]}
    if strays := sorted(f"{name} {version}" for name, version in python - locked.keys()):
        raise NotAsLocked(f"{image} has Python packages that its bento does not pin: {', '.join(strays)}.")
    name, _, version = image.partition(":")
    bom = Bom(serial_number=uuid.uuid5(_NAMES, f"{image} {bento_tag} {installed}"))
    bom.metadata.component = Component(name=name, version=version, type=ComponentType.CONTAINER, bom_ref=image)
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the time says nothing about the image
    bom.components.update(_python(*one, locked[one]) for one in python)
    bom.components.update(_debian(*one) for one in told["debian"])
    bom.register_dependency(bom.metadata.component, bom.components)
    text: str = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    return text + "\n"


def pinned(lock: str) -> Mapping[tuple[str, str], tuple[str, ...]]:
    r"""Return the hashes of a lock's packages by name and version.

    >>> pinned("a==1 ; x > 3 \\\n    --hash=sha256:" + 64 * "0" + "\nB_b==2")
    {('a', '1'): ('0000000000000000000000000000000000000000000000000000000000000000',), ('b-b', '2'): ()}
    """
    found = _PINNED.finditer(lock)
    return {(_plain(one["name"]), one["version"]): tuple(_SHA256.findall(one["rest"])) for one in found}


def _plain(name: str) -> str:
    """Return a package's name as PyPI compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _python(name: str, version: str, hashes: tuple[str, ...]) -> Component:
    url = PackageURL("pypi", None, name, version)
    made = Component(name=name, version=version, purl=url, bom_ref=url.to_string(), type=ComponentType.LIBRARY)
    made.hashes.update(HashType.from_composite_str(f"sha256:{one}") for one in hashes)
    return made


def _debian(name: str, version: str, architecture: str) -> Component:
    url = PackageURL("deb", "debian", name, version, {"arch": architecture})
    return Component(name=name, version=version, purl=url, bom_ref=url.to_string(), type=ComponentType.LIBRARY)
