"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "dataset",
        "isic2017",
        "skinfw_isic.isic2017:Isic2017",
        "ISIC 2017 part 3: three classes and their official parts, official files.",
        example={"root": "archive"},
    )
    yield Component(
        "dataset",
        "isic2018",
        "skinfw_isic.isic2018:Isic2018",
        "ISIC 2018 task 3 (HAM10000), training images or all parts: seven classes, official files.",
        example={"root": "archive"},
    )
    yield Component(
        "dataset",
        "isic2019",
        "skinfw_isic.isic2019:Isic2019",
        "ISIC 2019, training images or both parts: eight classes and UNK, official files.",
        example={"root": "archive"},
    )
    yield Component(
        "dataset",
        "isic2024",
        "skinfw_isic.isic2024:Isic2024",
        "ISIC 2024 (SLICE-3D): 401,059 crops of body photographs, HDF5 or files, and metadata.",
        example={"root": "archive"},
    )
    yield Component(
        "dataset",
        "milk10k",
        "skinfw_isic.milk10k:Milk10k",
        "MILK10k: a clinical and a dermoscopic image of 5,240 lesions, eleven classes, metadata.",
        example={"root": "archive"},
    )
