"""Our side of the comparisons, called as a run calls it; heavy imports inside functions."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.harness import Work
from skinfw import hookimpl
from skinfw.data.table import split_data
from skinfw.interfaces.hooks import run_hooks
from skinfw.recipe.plan import Plan, load_plan
from skinfw.registry.catalog import Catalog

if TYPE_CHECKING:
    import numpy as np
    import torch

    from skinfw.interfaces.protocols import DecodedImages
    from skinfw.training.components import TrainingComponents

LITE = 'use = "lite/efficientnet-lite0"'
DENSENET = 'use = "timm/densenet121"\npretrained = false'
DATASET = Path(__file__).with_name("dataset.py")
STRONG = """
    [[augment]]
    use = "random-resized-crop"

    [[augment]]
    use = "flip"
    vertical = 0.5

    [[augment]]
    use = "rotation"
    degrees = 30

    [[augment]]
    use = "colour-jitter"
"""
CACHE_BYTES = 20_000_000_000


def plan_of(text: str, folder: Path, sets: Sequence[str] = ()) -> Plan:
    """Check a recipe, written into a folder first."""
    folder.mkdir(exist_ok=True)
    file = folder / "recipe.toml"
    file.write_text(text, encoding="utf-8")
    return load_plan(file, sets)


def files(root: Path) -> str:
    """Return the lines of a recipe that train on a folder of files."""
    return f'use = "{DATASET}:Files"\nroot = "{root}"'


def noise(images: int, size: int) -> str:
    """Return the lines of a recipe that train on noise in memory, which no view changes."""
    view = '[view]\nuse = "center"\nresize = 1.0'
    return f'use = "{DATASET}:Noise"\nimages = {images}\nsize = {size}\n{view}'


def recipe(
    dataset: str, size: int, rest: str = "", backbone: str = LITE, split: str = "official"
) -> str:
    """Return a recipe: its data set, the side of its images, and what else is not a default."""
    return f"""
        [backbone]
        {backbone}

        [image]
        size = {size}

        [split]
        use = "{split}"
        check = "ids"  # many names of few pictures, which would be refused as copies

        [engine]
        precision = "fp32"  # as the peers compute

        [schedule]
        use = "constant"

        [dataset]
        {dataset}
        {rest}
    """


def decoded(folder: Path, paths: Sequence[Path | str], size: int) -> DecodedImages | None:
    """Decode files into a cache in a folder, as a run does before its first epoch."""
    from skinfw.data.preparation import recipe_decoding
    from skinfw.recipe.settings import ImageSettings
    from skinfw_cache.shards import open_cache

    how = recipe_decoding(ImageSettings(size=size), ())
    names = [str(path) for path in paths]
    return open_cache(folder / "cache", CACHE_BYTES, names, how, lambda _: None)


def components(
    text: str, folder: Path, cached: bool = False, sets: Sequence[str] = ()
) -> TrainingComponents:
    """Build the components of a training.

    text: the recipe.
    folder: for the recipe and the cache.
    cached: whether image files come from the cache.
    sets: changes of the recipe.
    """
    from skinfw.runtime.device import choose_hardware
    from skinfw.training.components import TrainingComponents

    plan = plan_of(text, folder, sets)
    rows = split_data(plan).rows
    cached = cached and not hasattr(plan.dataset, "image")
    held = decoded(folder, list(rows["path"]), plan.image.size) if cached else None
    hardware = choose_hardware(plan.engine)
    return TrainingComponents.build(plan, rows, hardware, held, lambda _: None)


def training(built: TrainingComponents, folder: Path) -> Work:
    """Return the work of a whole training, whose time is that of its epochs alone."""
    from skinfw.recipe.loading import BEST_WEIGHTS
    from skinfw.runtime.signals import StopSignals
    from skinfw.training.checkpoint import STATES

    def run() -> float:
        stopwatch = Stopwatch()
        states, weights = folder / STATES, folder / BEST_WEIGHTS
        built.trainer(states, weights, run_hooks([(None, stopwatch)])).fit(StopSignals())
        return stopwatch.seconds

    return run


class Stopwatch:
    """Time epochs from their start to their last step; validation and saving are spared."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.seconds = 0.0

    @hookimpl
    def epoch_start(self) -> None:
        """Start."""
        self.last = time.perf_counter()

    @hookimpl
    def step_end(self) -> None:
        """Add the time since the last step."""
        now = time.perf_counter()
        self.seconds, self.last = self.seconds + now - self.last, now


def augmented(
    folder: Path,
    paths: Sequence[Path],
    size: int,
    held: DecodedImages | None = None,
    augment: str = STRONG,
) -> Callable[[Sequence[int]], torch.Tensor]:
    """Return the function that makes an augmented, normalised batch of some files.

    folder: for the recipe.
    held: images that need no decoding.
    augment: the recipe's augmentation.
    """
    import itertools

    import numpy as np
    import torch

    from skinfw.data.loader import Chain, Source, TrainImages
    from skinfw.data.preparation import recipe_decoding
    from skinfw.runtime.device import choose_hardware

    plan = plan_of(recipe(files(paths[0].parent), size, augment), folder)
    chain = Chain([(op, op.make(size=size)) for op in plan.components.augment], size)
    names = [str(path) for path in paths]
    source = Source(names, names, decoding=recipe_decoding(plan.image, ()), decoded=held)
    view = plan.components.view.make(size=size)
    labels = np.zeros(len(paths), np.int64)
    images = TrainImages(source, labels, lambda _: chain, view, plan.seed)
    normalise = choose_hardware(plan.engine).normaliser(torch.nn.Identity())
    position = itertools.count()

    def batch(places: Sequence[int]) -> torch.Tensor:
        made = images.batch([(1, next(position), place, False) for place in places])
        return normalise(made.images)

    return batch


def views(folder: Path, paths: Sequence[Path], size: int, view: str) -> tuple[Any, Any, Any]:
    """Return how a run reads a file, plans its views, and looks at them.

    view: the recipe's table.
    """
    from skinfw.data.preparation import recipe_decoding
    from skinfw.data.warping import render_views

    plan = plan_of(recipe(files(paths[0].parent), size, view), folder)
    return (
        recipe_decoding(plan.image, ()).read,
        plan.components.view.make(size=size).plan,
        render_views,
    )


def pathology(folder: Path) -> list[tuple[str, Callable[[Any, int], Any]]]:
    """Return the ops of virtual pathology, which always come, by name."""
    import numpy as np

    from skinfw import Dice
    from skinfw.data.warping import apply_steps, fold_steps

    def does(op: Any) -> Callable[[Any, int], Any]:
        def once(image: Any, seed: int) -> Any:
            size = (image.shape[0], image.shape[1])
            dice = Dice(np.random.default_rng(seed), size, False, lambda: image)
            return apply_steps(image, fold_steps(op.roll(dice)))

        return once

    catalog = Catalog()
    names = [
        offer.component.name
        for offer in catalog.offers("augment")
        if offer.plugin.name == "pathology"
    ]
    text = "".join(
        f'\n[[augment]]\nuse = "{name}"\n'
        + ("" if name == "virtual-pathology" else "probability = 1.0\n")
        for name in names
    )
    plan = plan_of(recipe(noise(4, 64), 64, text), folder)
    return [(op.use, does(op.make(size=64))) for op in plan.components.augment]


def densenet(folder: Path, size: int) -> torch.nn.Module:
    """Build DenseNet-121 as a run does, with random weights."""
    return components(recipe(noise(4, size), size, backbone=DENSENET), folder).model


def grad_cam() -> Callable[..., torch.Tensor]:
    """Return the explainer."""
    from skinfw_explain.grad_cam import GradCam

    return GradCam()


def thin(thumbnails: Any, target: int, clusters: int, seed: int) -> np.ndarray:
    """Thin a class to `target` of its thumbnails; return the cluster of each."""
    import numpy as np

    from skinfw import Context
    from skinfw_samplers.kmeans import KMeansHybrid

    kept: dict[str, Any] = {}

    def once(key: str, compute: Callable[[np.random.Generator], Any]) -> Any:
        if key not in kept:
            kept[key] = compute(np.random.default_rng(seed))
        return kept[key]

    context = Context(
        classes=("NV",),
        epoch=1,
        rng=np.random.default_rng(seed),
        once=once,
        thumbnails=lambda indices, size, grey: thumbnails[indices],
        embeddings=lambda indices: np.empty((len(indices), 0), np.float32),
    )
    sampler = KMeansHybrid(at_most={"NV": target}, clusters=clusters, features="grey")
    draw = sampler.draw(np.zeros(len(thumbnails), np.int64), context)
    assert len(draw.indices) == target
    return np.asarray(kept["clusters of NV"])


def intervals(
    true: Any, chances: Any, lesions: Any, classes: tuple[str, ...], replicates: int, seed: int
) -> dict[str, tuple[float, float]]:
    """Return the intervals of all metrics that a run has unless told otherwise."""
    from skinfw import Predictions
    from skinfw.statistics.confidence import confidence_intervals
    from skinfw_metrics.agreement import Agreement
    from skinfw_metrics.classification import Classification
    from skinfw_metrics.isic import IsicChallenge
    from skinfw_metrics.malignancy import Malignancy
    from skinfw_metrics.probability import Probability

    names = [str(place) for place in range(len(true))]
    predictions = Predictions(names, [str(lesion) for lesion in lesions], true, chances, classes)
    kinds = (Classification, IsicChallenge, Agreement, Probability, Malignancy)
    bounds = [confidence_intervals(kind(), predictions, replicates, seed) for kind in kinds]
    return {name: own for some in bounds for name, own in some.items()}
