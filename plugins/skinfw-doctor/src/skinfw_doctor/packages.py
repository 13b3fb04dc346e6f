"""Plugins and libraries: what is installed, and whether it is what was asked for."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution, version
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from skinfw.toolkit import discover, is_editable, is_first
from skinfw_doctor.page import Finding, Section

_FOR_WORK_ON_SKINFW = {"bench", "dev", "docs"}
_TURBO = "libjpeg-turbo"
_ONE_OPENCV = ("opencv-python", "opencv-contrib-python", "opencv-python-headless")


def plugins() -> Section:
    """Ask all plugins, and tell of those that do not work and of names that two offer."""
    known = discover()
    findings = [
        Finding(
            "note" if plugin.status == "blocked" else "broken",
            f"plugin {plugin.label} is {plugin.status}: {plugin.error}",
            plugin.cure or f"its author mends it, or pip uninstall {plugin.distribution}",
        )
        for plugin in known
        if plugin.status != "working"
    ]
    owners: dict[tuple[str, str], list[Any]] = {}
    for plugin in known:
        for kind, name in [
            *((one.kind, one.name) for one in plugin.components),
            *(("command", one.name) for one in plugin.commands),
        ]:
            owners.setdefault((kind, name), []).append(plugin)
    for (kind, name), own in owners.items():
        if len(own) > 1:
            both = " and ".join(one.name for one in own)
            first = any(is_first(one.distribution, one.name, kind, name) for one in own)
            cure = "" if first else f"recipes write {own[0].name}:{name} or {own[1].name}:{name}"
            findings.append(Finding("note", f'{both} offer the {kind} "{name}"', cure))
    others = [f"{one.label} ({one.status})" for one in known if one.distribution != "skinfw"]
    of_skinfw = [one.status == "working" for one in known if one.distribution == "skinfw"]
    facts = {
        "of skinfw": f"{sum(of_skinfw)} of {len(of_skinfw)} work",
        "others": ", ".join(others) or "none",
        "installed": "in place (editable)" if is_editable("skinfw") else "as a wheel",
    }
    return Section("plugins", facts, findings)


def libraries() -> Section:
    """Compare what is installed with what skinfw, and what it needs, declare."""
    facts: dict[str, object] = {}
    findings: list[Finding] = []
    for needed in _needs("skinfw"):
        problem = _problem(needed)
        facts[needed.name] = _version(needed.name) or "missing"
        if problem:
            cure = f"pip install '{needed}'"
            findings.append(Finding("broken", f"{problem}, and skinfw needs {needed}", cure))
        for theirs in _needs(needed.name):
            if _version(theirs.name) and (problem := _problem(theirs)):
                what = f"{problem}, and {needed.name} needs {theirs}"
                cure = f"pip install --upgrade {needed.name} '{theirs}'"
                findings.append(Finding("broken", what, cure))
    unique = {found.what: found for found in findings}
    return Section("libraries", facts, list(unique.values()))


def extras() -> Section:
    """Tell which optional parts are installed."""
    wanted: dict[str, list[Requirement]] = {}
    for text in distribution("skinfw").requires or []:
        needed = Requirement(text)
        extra = re.search(r"extra *== *['\"]([\w-]+)['\"]", str(needed.marker))
        if extra and extra[1] not in _FOR_WORK_ON_SKINFW:
            needed.marker = None
            wanted.setdefault(extra[1], []).append(needed)
    facts = {}
    findings = []
    for name, parts in sorted(wanted.items()):
        lacking = [part.name for part in parts if not _version(part.name)]
        facts[name] = f"lacks {', '.join(lacking)}" if lacking else "installed"
        for problem in filter(None, map(_problem, parts)):
            if "is not installed" not in problem:
                what = f"{problem}, and skinfw[{name}] needs another"
                findings.append(Finding("broken", what, f"pip install 'skinfw[{name}]'"))
    return Section("extras", facts, findings)


def images() -> Section:
    """Look at what decodes images, and at how fast that is built."""
    facts: dict[str, object] = {}
    findings: list[Finding] = []
    try:
        from PIL import features

        turbo = features.check_feature("libjpeg_turbo")
        facts["Pillow JPEG"] = f"{_TURBO if turbo else 'libjpeg'} {features.version('jpg')}"
        facts["WebP"] = features.version("webp") or "no"
        if not turbo:
            cure = "pip install --force-reinstall --only-binary :all: pillow"
            findings.append(Finding("slow", f"Pillow was built without {_TURBO}", cure))
    except Exception as error:
        findings.append(_unusable("pillow", error))
    try:
        cv2 = importlib.import_module("cv2")
        jpeg = re.search(r"^ *JPEG: *(.*)$", cv2.getBuildInformation(), re.MULTILINE)
        said = jpeg[1] if jpeg else "unknown"
        facts["OpenCV JPEG"] = said
        if jpeg and "turbo" not in said:
            cure = "pip install --force-reinstall --only-binary :all: opencv-python-headless"
            findings.append(Finding("slow", f"OpenCV was built without {_TURBO}", cure))
    except Exception as error:
        findings.append(_unusable("opencv-python-headless", error))
    both = [name for name in _ONE_OPENCV if _version(name)]
    if len(both) > 1:
        what = f"{' and '.join(both)} overwrite each other's files"
        cure = f"pip uninstall {' '.join(both)}, then pip install opencv-python-headless"
        findings.append(Finding("broken", what, cure))
    return Section("images", facts, findings)


def _unusable(package: str, error: Exception) -> Finding:
    what = f"{package} cannot be used: {type(error).__name__}: {error}"
    return Finding("broken", what, f"pip install --force-reinstall {package}")


def _needs(package: str) -> Iterator[Requirement]:
    """Yield what a package requires here, without its extras."""
    try:
        texts = distribution(package).requires or []
    except PackageNotFoundError:
        return
    for text in texts:
        try:
            needed = Requirement(text)
        except InvalidRequirement:
            continue
        if needed.marker is None or needed.marker.evaluate({"extra": ""}):
            needed.marker = None
            yield needed


def _problem(needed: Requirement) -> str:
    """Say in what an installed package is not what is needed; nothing where it is."""
    number = _version(needed.name)
    if not number:
        return f"{needed.name} is not installed"
    if not needed.specifier.contains(number, prereleases=True):
        return f"{needed.name} {number} is installed"
    return ""


def _version(package: str) -> str:
    try:
        return version(package) or ""
    except PackageNotFoundError:
        return ""


LOOKS: dict[str, Callable[[], Section]] = {
    "plugins": plugins,
    "libraries": libraries,
    "extras": extras,
    "images": images,
}
