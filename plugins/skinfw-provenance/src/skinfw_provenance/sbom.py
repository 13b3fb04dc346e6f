"""The packages of a run as a CycloneDX bill of materials."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any


def bill_of_materials(lock: Mapping[str, Any], ended: datetime) -> bytes:
    """Return sbom.cdx.json: each package of recipe.lock with its version, checksum and licence.

    lock: of the run.
    ended: when the run did.
    """
    from cyclonedx.model import Property
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion
    from packageurl import PackageURL

    components = [
        Component(
            name=name,
            version=own["version"],
            type=ComponentType.LIBRARY,
            bom_ref=f"{name}@{own['version']}",
            purl=PackageURL("pypi", None, name, own["version"]),
            licenses=_licences(name, own["version"]),
            properties=[Property(name="skinfw:record-sha256", value=own["sha256"])],
        )
        for name, own in lock["packages"].items()
    ]
    digest = hashlib.sha256(json.dumps(lock, sort_keys=True).encode()).digest()
    about = Component(
        name=str(lock["name"]), type=ComponentType.MACHINE_LEARNING_MODEL, bom_ref="run"
    )
    bom = Bom(
        components=components,
        serial_number=uuid.UUID(bytes=digest[:16], version=4),
        metadata=BomMetaData(timestamp=ended, component=about),
    )
    bom.register_dependency(about, components)
    writer = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return str(writer.output_as_string(indent=1)).encode()


def licence_of(package: str, version: str = "") -> str:
    """Return the licence that an installed package declares; "" where nobody tells.

    version: that it must have; "" for any.
    """
    try:
        about = metadata(package)
    except PackageNotFoundError:
        return ""
    if version and about["Version"] != version:
        return ""
    fields = [str(about[name]).strip() for name in ("License-Expression", "License")
              if name in about]  # fmt: skip
    said = next(filter(None, fields), "")
    if said and "\n" not in said and len(said) < 80:
        return said
    named = [own.rpartition(" :: ")[2] for own in about.get_all("Classifier") or ()
             if own.startswith("License :: ")]  # fmt: skip
    return ", ".join(named)


def _licences(package: str, version: str) -> list[Any]:
    from cyclonedx.model.license import DisjunctiveLicense
    from cyclonedx.spdx import is_supported_id

    if not (said := licence_of(package, version)):
        return []
    return [DisjunctiveLicense(id=said) if is_supported_id(said) else DisjunctiveLicense(name=said)]
