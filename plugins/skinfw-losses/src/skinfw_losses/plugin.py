"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1

_LOSSES = (
    ("cross-entropy", "cross_entropy:CrossEntropy", "with class weights and label smoothing"),
    ("focal", "focal:Focal", "easy images count less"),
    ("mwnl", "mwnl:MultiWeightedNewLoss", "focal, weighted by class, outliers limited"),
    ("ldam", "ldam:LDAM", "larger margins for rarer classes"),
    ("low", "low:LOW", "optimal weights for the images of a batch"),
    ("ghm-c", "ghm:GHMC", "what crowds the gradient counts less"),
    ("cce", "complement:ComplementCrossEntropy", "wrong classes share evenly"),
    ("class-balanced", "class_balanced:ClassBalanced", "by the effective number of images"),
    ("balanced-softmax", "balanced_softmax:BalancedSoftmax", "class counts inside the softmax"),
    ("logit-adjustment", "logit_adjustment:LogitAdjustment", "class shares added to the logits"),
    ("asymmetric", "asymmetric:Asymmetric", "easy no answers count less than easy yes answers"),
    ("area", "area:Area", "the AUC of each class, or its part with few false positives"),
)
_EXPECTED_FAILURES = {
    "low": {"right gradient": "to the gradient, the paper's optimal weights are constants"},
}
_WEIGHTINGS = (
    ("inverse-frequency", "InverseFrequency", "a power of difficulty over count"),
    ("drw", "Deferred", "inverse frequency from some epoch on"),
    ("cls", "Cumulative", "inverse frequency whose power grows"),
    ("effective-number", "EffectiveNumber", "one over the effective number of images"),
    ("by-class", "ByClass", "a number of the recipe for each class"),
)


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    for name, target, summary in _LOSSES:
        yield Component(
            "loss",
            name,
            f"skinfw_losses.{target}",
            f"{summary.capitalize()}.",
            expected_failures=_EXPECTED_FAILURES.get(name, {}),
        )
    for name, target, summary in _WEIGHTINGS:
        target = f"skinfw_losses.weightings:{target}"
        yield Component("weighting", name, target, f"{summary.capitalize()}.")
