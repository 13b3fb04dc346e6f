"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield _family(
        "augment",
        "torchvision",
        "torchvision_ops",
        "Every transform of an image of v2.",
        "RandomPhotometricDistort",
    )
    yield _family(
        "augment",
        "albumentations",
        "albumentations_ops",
        "Every transform of an image of Albumentations 2.0.8.",
        "GaussNoise",
        extra="albumentations",
    )
    yield _family(
        "loss",
        "timm",
        "timm_losses",
        "timm's losses for one label per image.",
        "LabelSmoothingCrossEntropy",
    )
    yield _family(
        "metric",
        "torchmetrics",
        "torchmetrics_metrics",
        "TorchMetrics' numbers of classifications into several classes.",
        "CohenKappa",
        extra="torchmetrics",
    )
    yield _family(
        "sampler",
        "imblearn",
        "imblearn_samplers",
        "imbalanced-learn's samplers that choose or repeat images.",
        "RandomOverSampler",
        extra="imblearn",
    )
    yield _family(
        "optimizer",
        "timm",
        "timm_optimizers",
        "timm's optimizers of first order.",
        "lamb",
    )
    yield _family("optimizer", "torch", "torch_optimizers", "torch's optimizers.", "AdamW")


def _family(
    kind: str, name: str, module: str, summary: str, example: str, extra: str | None = None
) -> Component:
    """Name a family by its module, which has `member` and `variants`.

    example: the variant that stands for all where one is tried.
    """
    home = f"skinfw_bridges.{module}"
    return Component(
        kind,
        name,
        f"{home}:member",
        summary,
        variants=f"{home}:variants",
        extra=extra,
        by_variant=True,
        example={"variant": example},
    )
