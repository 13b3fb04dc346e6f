"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_metrics"
    yield Component(
        "metric",
        "classification",
        f"{here}.classification:Classification",
        "Accuracy, balanced accuracy, macro F1 and AUC, and every class on its own.",
    )
    yield Component(
        "metric",
        "isic-challenge",
        f"{here}.isic:IsicChallenge",
        "The numbers of the ISIC challenges of 2018 and 2019, as the official scoring has them.",
    )
    yield Component(
        "metric",
        "isic2017-challenge",
        f"{here}.isic:Isic2017Challenge",
        "The numbers of part 3 of ISIC 2017: melanoma or not, seborrheic keratosis or not.",
        example={"keratosis": "DF"},
        expected_failures={"any classes": "the challenge has melanoma, keratosis and nevus"},
    )
    yield Component(
        "metric",
        "isic2024-challenge",
        f"{here}.isic2024:Isic2024Challenge",
        "The number of ISIC 2024: the area under the ROC curve above a sensitivity of 80 %.",
    )
    yield Component(
        "metric",
        "agreement",
        f"{here}.agreement:Agreement",
        "Cohen's kappa and Matthews' correlation.",
    )
    yield Component(
        "metric",
        "probability",
        f"{here}.probability:Probability",
        "The Brier score and the calibration error.",
    )
    yield Component(
        "metric",
        "malignancy",
        f"{here}.malignancy:Malignancy",
        "Malignant against benign, at fixed sensitivity or specificity, and net benefit.",
    )
