"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    yield Component(
        "sampler",
        "repeat-factor",
        "skinfw_acme.repeat_factor:RepeatFactor",
        "Repeat the images of rare classes (Gupta et al. 2019).",
    )
    yield Component(
        "loss",
        "seesaw",
        "skinfw_acme.seesaw:Seesaw",
        "Balance what frequent classes do to rare ones (Wang et al. 2021).",
        expected_failures={
            "right gradient": "to the gradient, the paper's balancing factors are constants"
        },
    )
    yield Component(
        "explainer",
        "smooth-gradient",
        "skinfw_acme.smooth_gradient:SmoothGradient",
        "The gradient of a class, averaged over noisy copies (Smilkov et al. 2017).",
    )


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    yield Command(
        "acme summarise",
        "skinfw_acme.summarise:summarise",
        "Print the numbers of runs as lines of a lab book.",
    )
