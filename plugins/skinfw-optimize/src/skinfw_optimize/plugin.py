"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    here = "skinfw_optimize"
    yield Component("optimizer", "adam", f"{here}.optimizers:adam", "Adam.")
    yield Component("optimizer", "adamw", f"{here}.optimizers:adamw", "Adam, decoupled decay.")
    yield Component("optimizer", "nadam", f"{here}.optimizers:nadam", "Adam, Nesterov's momentum.")
    yield Component("optimizer", "rmsprop", f"{here}.optimizers:rmsprop", "Root mean square.")
    yield Component("optimizer", "sgd", f"{here}.optimizers:sgd", "SGD with momentum.")
    yield Component("schedule", "constant", f"{here}.schedules:constant", "No change.")
    yield Component("schedule", "cosine", f"{here}.schedules:cosine", "Warm-up, then a cosine.")
    yield Component("schedule", "multistep", f"{here}.schedules:multistep", "Drops at epochs.")
    yield Component("schedule", "one-cycle", f"{here}.schedules:one_cycle", "Up, then far down.")
