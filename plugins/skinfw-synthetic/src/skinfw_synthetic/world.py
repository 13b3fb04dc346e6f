"""Who is in the data set: how many images and lesions of each class, and whose they are."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Images of each class in the ISIC 2019 training set, in its official order.
ISIC_2019 = {
    "MEL": 4522,
    "NV": 12875,
    "BCC": 3323,
    "AK": 867,
    "BKL": 2624,
    "DF": 239,
    "VASC": 253,
    "SCC": 628,
}
FEWEST_LESIONS = 4  # a split by lesion into three parts can then hold every class
IMAGES_PER_LESION = 1.6
MOST_IMAGES_PER_LESION = 4

SITES = (
    "anterior torso",
    "posterior torso",
    "head/neck",
    "upper extremity",
    "lower extremity",
    "palms/soles",
)
# Mean age in years, its deviation, and the share of each site, roughly as in the clinic.
PATIENTS = {
    "MEL": (61, 15, (0.20, 0.22, 0.19, 0.19, 0.19, 0.01)),
    "NV": (45, 16, (0.26, 0.26, 0.08, 0.13, 0.26, 0.01)),
    "BCC": (66, 14, (0.20, 0.25, 0.38, 0.09, 0.08, 0.00)),
    "AK": (66, 11, (0.03, 0.03, 0.74, 0.15, 0.05, 0.00)),
    "BKL": (64, 14, (0.20, 0.20, 0.35, 0.12, 0.13, 0.00)),
    "DF": (52, 14, (0.05, 0.03, 0.01, 0.22, 0.69, 0.00)),
    "VASC": (50, 21, (0.31, 0.20, 0.14, 0.15, 0.18, 0.02)),
    "SCC": (69, 11, (0.10, 0.09, 0.31, 0.26, 0.24, 0.00)),
}
# Share of patients whose entry is missing in the official metadata.
BLANK = {"age_approx": 0.02, "sex": 0.015, "anatom_site_general": 0.10}


@dataclass(frozen=True)
class World:
    """Hold the plan of a data set.

    label: class name of each lesion.
    age: of each lesion's patient in years, [lesions].
    lesion: number of the lesion that each image shows, [images].
    """

    label: tuple[str, ...]
    age: NDArray[np.float64]
    lesion: NDArray[np.int64]


def counts(images: int) -> dict[str, int]:
    """Share images among the classes as in ISIC 2019, by largest remainder, with a minimum.

    images: how many there are in all, at least four for each class.
    """
    fixed: dict[str, int] = {}
    while True:
        free = {name: size for name, size in ISIC_2019.items() if name not in fixed}
        left, total = images - sum(fixed.values()), sum(free.values())
        short = [name for name, size in free.items() if left * size < FEWEST_LESIONS * total]
        if not short:
            break
        fixed |= dict.fromkeys(short, FEWEST_LESIONS)
    share = {name: left * size // total for name, size in free.items()}
    by_remainder = sorted(free, key=lambda name: -(left * free[name] % total))
    for name in by_remainder[: left - sum(share.values())]:
        share[name] += 1
    return {name: (fixed | share)[name] for name in ISIC_2019}


@lru_cache(maxsize=8)
def world(images: int, seed: int) -> World:
    """Plan a data set; images: how many in all, seed: which world."""
    rng = np.random.default_rng(np.random.SeedSequence((seed, 0)))
    label: list[str] = []
    lesion: list[int] = []
    for name, count in counts(images).items():
        lesions = max(FEWEST_LESIONS, round(count / IMAGES_PER_LESION))
        # Every lesion has one image, and the others fall on the places that are still free.
        free = lesions * (MOST_IMAGES_PER_LESION - 1)
        repeats = rng.choice(free, count - lesions, replace=False) % lesions
        lesion += [len(label) + number for number in [*range(lesions), *repeats.tolist()]]
        label += [name] * lesions
    # Shuffled numbers keep a lesion's images together and tell nothing about its class.
    order = rng.permutation(len(label))
    rank = np.argsort(order)
    shuffled = tuple(label[number] for number in order)
    mean, deviation = np.array([PATIENTS[name][:2] for name in shuffled], float).T
    age = np.clip(np.round(rng.normal(mean, deviation) / 5) * 5, 0, 85)
    return World(shuffled, age, np.sort(rank[np.array(lesion)]))


def patients(images: int, seed: int) -> pd.DataFrame:
    """Return each lesion's age_approx, sex and anatom_site_general; a few are blank."""
    plan = world(images, seed)
    rng = np.random.default_rng(np.random.SeedSequence((seed, 3)))
    sex = rng.choice(["male", "female"], len(plan.label), p=[0.53, 0.47])
    site = [SITES[rng.choice(len(SITES), p=PATIENTS[name][2])] for name in plan.label]
    people = pd.DataFrame({"age_approx": plan.age, "sex": sex, "anatom_site_general": site})
    for column, share in BLANK.items():
        people.loc[rng.random(len(people)) < share, column] = None
    return people
