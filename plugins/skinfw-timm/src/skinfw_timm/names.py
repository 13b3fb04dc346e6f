"""List the models of timm and torchvision by reading their sources, which imports no torch."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path

_TIMM_MODEL = re.compile(r"^@register_model\s+def (\w+)\(", re.MULTILINE)
_TIMM_TAG = re.compile(r"""['"](\w+\.[\w-]+)['"]\s*:""")
_TORCHVISION_MODEL = re.compile(r"^@register_model\(\)\s+(?:@[^\n]*\s+)*def (\w+)\(", re.MULTILINE)


def timm_variants(asked: str = "") -> list[str]:
    """Return architectures, and architectures with the tag of their weights.

    asked: a name that the sources may not spell out; a few tags are composed when timm is
        imported, so that an unknown tag of a known architecture is worth importing it.
    """
    known = _timm_in_sources()
    if asked in known or asked.split(".")[0] not in known:
        return sorted(known)
    import timm

    return sorted({*known, *timm.list_pretrained()})


def torchvision_variants(asked: str = "") -> list[str]:
    """Return the image classifiers of torchvision; their sources spell out every name."""
    return sorted(_TORCHVISION_MODEL.findall(_sources("torchvision")))


@cache
def _timm_in_sources() -> frozenset[str]:
    text = _sources("timm")
    models = set(_TIMM_MODEL.findall(text))
    tagged = {name for name in _TIMM_TAG.findall(text) if name.split(".")[0] in models}
    return frozenset(models | tagged)


def _sources(package: str) -> str:
    """Return the text of all model files of an installed package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    files = sorted((Path(spec.origin).parent / "models").glob("*.py"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
