"""K-means hybrid sampling, the balancing of E2E-DenseNetSkin, to exact counts and seeded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

from annotated_types import Ge

from skinfw import ClassName, Context, Draw, SkinfwError
from skinfw_samplers.simple import grow, shuffled

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.integer[Any]]
    Features = npt.NDArray[np.floating[Any]]

Count = Annotated[int, Ge(1)]
COMPONENTS = 32
THUMBNAIL = {"grey": 64, "colour": 24}


@dataclass(frozen=True, kw_only=True)
class KMeansHybrid:
    """Thin large classes cluster by cluster, so that variety stays, and repeat small ones.

    After E2E-DenseNetSkin. A class that is thinned is first divided into clusters by K-means;
    each cluster keeps its share, at least one image, and the shares add up exactly.

    exactly: class -> exactly this many images per epoch, thinned or repeated.
    at_most: class -> thinned to this many where there are more, left alone where there are not.
    clusters: clusters per thinned class.
    features: what makes images alike: "grey" 64x64 pixels as in the original, "colour" 24x24
        pixels, or the "backbone"'s features before training.
    redraw: whether each epoch keeps other members of the clusters, so that training sees the
        whole class in time; false keeps the same for the whole run, as the original does.
    """

    exactly: dict[ClassName, Count] = field(default_factory=dict)
    at_most: dict[ClassName, Count] = field(default_factory=dict)
    clusters: Annotated[int, Ge(1)] = 8
    features: Literal["grey", "colour", "backbone"] = "colour"
    redraw: bool = True

    def __post_init__(self) -> None:
        """Refuse two numbers for one class."""
        if both := sorted(self.exactly.keys() & self.at_most.keys()):
            raise SkinfwError(
                f"exactly and at_most both name {', '.join(both)}",
                cure="name a class in one of them",
            )

    def draw(self, labels: Integers, context: Context) -> Draw:
        """Return thinned, whole and repeated classes, shuffled; repeats are copies."""
        import numpy as np

        chosen = []
        for label, name in enumerate(context.classes):
            members: Integers = np.flatnonzero(labels == label)
            wanted = self._wanted(name, len(members))
            if wanted > 0 and not len(members):
                raise SkinfwError(
                    f"exactly asks for {wanted} images of {name}, but there is none to repeat",
                    why="the training part has no image of this class",
                    cure=f"leave {name} out of exactly, or mend the split",
                )
            if wanted < len(members):
                members = self._thin(name, members, wanted, context)
            elif wanted > len(members):
                members = grow(members, wanted, context.rng)
            chosen.append(members)
        return shuffled(np.concatenate(chosen), context.rng)

    def _wanted(self, name: str, count: int) -> int:
        if name in self.exactly:
            return self.exactly[name]
        return min(count, self.at_most.get(name, count))

    def _thin(self, name: str, members: Integers, wanted: int, context: Context) -> Integers:
        """Keep exactly `wanted` members, each cluster its share."""

        def keep(rng: np.random.Generator) -> Integers:
            clusters = context.once(f"clusters of {name}", self._cluster(members, wanted, context))
            return pick(members, clusters, wanted, rng)

        if self.redraw:
            return keep(context.rng)
        kept: Integers = context.once(f"members of {name}", keep)
        return kept

    def _cluster(self, members: Integers, wanted: int, context: Context) -> Any:
        """Return the function that divides a class into clusters, once per run."""

        def compute(rng: np.random.Generator) -> Integers:
            if self.features == "backbone":
                features = context.embeddings(members)
            else:
                size, grey = THUMBNAIL[self.features], self.features == "grey"
                pixels = context.thumbnails(members, size, grey)
                features = pixels.reshape(len(members), -1).astype("float32")
            seed = int(rng.integers(2**31))
            return cluster(features, min(self.clusters, wanted), seed)

        return compute


def cluster(features: Features, count: int, seed: int) -> Integers:
    """Divide images into clusters by K-means.

    Distances are taken along the first 32 principal components, which hold nearly all that sets
    pixels of skin apart: as compact clusters for a tenth of the work.

    features: float [N, D].
    count: of clusters, at most N.
    seed: of both steps.
    Returns the cluster of each image, int [N].
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    if min(features.shape) > 2 * COMPONENTS:
        project = PCA(COMPONENTS, svd_solver="randomized", iterated_power=1, random_state=seed)
        features = project.fit_transform(features)
    labels: Integers = KMeans(count, n_init=1, random_state=seed).fit_predict(features)
    return labels


def pick(members: Integers, clusters: Integers, wanted: int, rng: np.random.Generator) -> Integers:
    """Return exactly `wanted` members at random, in proportion to the clusters.

    members: positions [N].
    clusters: the cluster of each [N].
    wanted: at least the number of clusters, at most N.
    """
    import numpy as np

    names, sizes = np.unique(clusters, return_counts=True)
    shares = quotas(sizes, wanted)
    kept = [
        rng.choice(members[clusters == name], size=share, replace=False)
        for name, share in zip(names, shares, strict=True)
    ]
    return np.concatenate(kept)


def quotas(sizes: Integers, wanted: int) -> Integers:
    """Divide a number over clusters by largest remainder: at least one each, exact in sum.

    sizes: members of each cluster, all positive.
    wanted: from len(sizes) to sum(sizes).
    """
    import numpy as np

    # One for each first; what is left is divided over what is left.
    free = sizes - 1
    ideal = free * ((wanted - len(sizes)) / max(1, free.sum()))
    shares = np.floor(ideal).astype(int)
    short = wanted - len(sizes) - shares.sum()
    order = np.argsort(-(ideal - shares), kind="stable")
    shares[order[:short]] += 1
    return np.asarray(shares + 1)
