"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_samplers"
    yield Component("sampler", "shuffle", f"{here}.simple:Shuffle", "Every image once, shuffled.")
    yield Component(
        "sampler",
        "power",
        f"{here}.simple:Power",
        "Draw classes with P(c) ~ n_c^q: instance, square-root, balanced, reverse.",
    )
    yield Component(
        "sampler",
        "oversample",
        f"{here}.simple:Oversample",
        "Repeat every class up to the largest.",
    )
    yield Component(
        "sampler",
        "pairs",
        f"{here}.simple:Pairs",
        "Every image with a partner of a rarer class, for two branches (BBN).",
    )
    yield Component(
        "sampler",
        "kmeans-hybrid",
        f"{here}.kmeans:KMeansHybrid",
        "Thin large classes cluster by cluster, repeat small ones, to exact counts.",
    )
