"""List the models of timm and torchvision by reading their sources, which imports no torch."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path

_TIMM_MODEL = re.compile(r"^@register_model\s+def (\w+)\(", re.MULTILINE)
_TIMM_TAG = re.compile(r"""['"](\w+\.[\w-]+)['"]\s*:""")
_TORCHVISION_MODEL = re.compile(r"^@register_model\(\)\s+(?:@[^\n]*\s+)*def (\w+)\(", re.MULTILINE)


@cache
def timm_variants() -> list[str]:
    """Return architectures, and architectures with the tag of their weights."""
    text = _sources("timm")
    models = set(_TIMM_MODEL.findall(text))
    tagged = {name for name in _TIMM_TAG.findall(text) if name.split(".")[0] in models}
    return sorted(models | tagged)


@cache
def torchvision_variants() -> list[str]:
    """Return the image classifiers of torchvision."""
    return sorted(_TORCHVISION_MODEL.findall(_sources("torchvision")))


def _sources(package: str) -> str:
    """Return the text of all model files of an installed package."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    files = sorted((Path(spec.origin).parent / "models").glob("*.py"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
