"""What a lesion of each class is made of: a table of traits, and lesions drawn from it.

A trait is (chance, low, high): with that chance it has a uniform amount between low and high,
otherwise it is absent (0).  The chances make the classes overlap, as they do in the clinic.
"""

from dataclasses import dataclass

import numpy as np

Trait = tuple[float, float, float]

# Amounts: lengths in field units (half an image height) or lesion radii, pigment and blood as
# optical density in green, counts as numbers, everything else as a strength between 0 and 1.
COMMON: dict[str, Trait] = {
    "radius": (1, 0.34, 0.66),  # of the lesion, field units
    "elongation": (1, 1.0, 1.45),  # long axis by short axis
    "asymmetry": (1, 0.03, 0.12),  # uneven outline and uneven pigment
    "ragged": (1, 0.04, 0.1),  # irregularity of the border, radii
    "edge": (1, 0.12, 0.3),  # width of the border's fading, radii
    "melanin": (1, 0.2, 0.5),  # brown pigment
    "ash": (1, 0.56, 0.82),  # red light that pigment absorbs: low is warm brown, high is grey
    "mottle": (1, 0.12, 0.3),  # unevenness of the pigment
    "blood": (1, 0.05, 0.25),  # redness
    "skin_blood": (1, 0.02, 0.3),  # redness of the skin around
    "furrows": (1, 0.01, 0.045),  # skin lines
    "follicles": (0.3, 0.2, 0.7),  # pale pores
    "freckles": (0.4, 0.2, 1.0),  # brown sun spots around
    "scale": (0.04, 0.1, 0.3),  # white flakes
}

CLASSES: dict[str, dict[str, Trait]] = {
    "MEL": {
        "radius": (1, 0.4, 0.8),
        "asymmetry": (1, 0.1, 0.26),
        "ragged": (1, 0.07, 0.2),
        "edge": (1, 0.12, 0.42),
        "melanin": (1, 0.35, 1.1),
        "mottle": (1, 0.4, 0.75),
        "blood": (1, 0.05, 0.35),
        "network": (0.6, 0.4, 0.9),
        "atypical": (1, 0.5, 1.0),
        "veil": (0.5, 0.35, 0.9),
        "dots": (0.7, 10, 45),
        "globules": (0.4, 4, 16),
        "streaks": (0.4, 10, 26),
        "regression": (0.35, 0.3, 0.7),
        "dotted_vessels": (0.15, 10, 30),
    },
    "NV": {
        "radius": (1, 0.26, 0.7),
        "elongation": (1, 1.0, 1.6),
        "edge": (1, 0.2, 0.6),
        "melanin": (1, 0.25, 1.0),
        "blood": (1, 0.03, 0.3),
        "network": (0.75, 0.35, 0.9),
        "atypical": (1, 0.0, 0.3),
        "dots": (0.25, 6, 20),
        "globules": (0.35, 10, 40),
        "streaks": (0.05, 20, 34),
        "dark_centre": (0.4, 0.2, 0.6),
    },
    "BCC": {
        "radius": (1, 0.35, 0.75),
        "asymmetry": (1, 0.06, 0.2),
        "edge": (1, 0.15, 0.5),
        "melanin": (0.4, 0.05, 0.2),
        "blood": (1, 0.08, 0.4),
        "mottle": (1, 0.2, 0.5),
        "pallor": (0.7, 0.15, 0.4),
        "arborising": (0.85, 2, 6),
        "nests": (0.7, 2, 12),
        "dots": (0.25, 4, 14),
        "ulcer": (0.35, 0.4, 0.9),
        "shiny": (0.3, 3, 9),
        "scale": (0.15, 0.1, 0.3),
    },
    "AK": {
        "radius": (1, 0.45, 0.95),
        "asymmetry": (1, 0.08, 0.22),
        "ragged": (1, 0.1, 0.22),
        "edge": (1, 0.6, 1.2),
        "melanin": (0.5, 0.1, 0.45),
        "blood": (1, 0.12, 0.4),
        "strawberry": (0.8, 0.4, 1.0),
        "scale": (0.75, 0.25, 0.7),
        "follicles": (0.6, 0.3, 0.9),
    },
    "BKL": {
        "radius": (1, 0.4, 0.8),
        "asymmetry": (1, 0.04, 0.14),
        "ragged": (1, 0.03, 0.11),
        "edge": (1, 0.04, 0.16),
        "melanin": (1, 0.2, 0.75),
        "mottle": (1, 0.2, 0.5),
        "dullness": (0.7, 0.15, 0.5),
        "cysts": (0.8, 5, 30),
        "comedones": (0.6, 4, 20),
        "fissures": (0.3, 5, 14),
        "network": (0.12, 0.3, 0.6),
        "scale": (0.2, 0.2, 0.5),
    },
    "DF": {
        "radius": (1, 0.32, 0.6),
        "elongation": (1, 1.0, 1.3),
        "edge": (1, 0.4, 0.8),
        "melanin": (1, 0.2, 0.5),
        "blood": (1, 0.1, 0.4),
        "scar": (0.85, 0.45, 0.9),
        "network": (0.8, 0.3, 0.7),
        "dotted_vessels": (0.2, 6, 16),
    },
    "VASC": {
        "radius": (1, 0.2, 0.5),
        "elongation": (1, 1.0, 1.35),
        "edge": (1, 0.06, 0.2),
        "melanin": (0.15, 0.1, 0.4),
        "blood": (1, 0.4, 0.9),
        "mottle": (1, 0.1, 0.3),
        "lacunae": (0.9, 0.3, 0.9),
        "clot": (0.3, 0.5, 1.0),
        "dusk": (0.6, 0.1, 0.6),
    },
    "SCC": {
        "radius": (1, 0.38, 0.8),
        "asymmetry": (1, 0.08, 0.25),
        "ragged": (1, 0.08, 0.2),
        "edge": (1, 0.15, 0.45),
        "melanin": (0.5, 0.1, 0.45),
        "blood": (1, 0.2, 0.5),
        "mottle": (1, 0.25, 0.5),
        "keratin": (0.75, 0.4, 0.95),
        "white_circles": (0.6, 5, 18),
        "coiled_vessels": (0.65, 10, 34),
        "rim_vessels": (0.6, 8, 26),
        "scale": (0.5, 0.25, 0.7),
        "ulcer": (0.3, 0.3, 0.8),
    },
}


@dataclass(frozen=True)
class Lesion:
    """Hold the traits of one lesion and the skin it sits in.

    traits: amount by trait name; an absent trait is 0.
    key: integers that name the lesion's random numbers.
    """

    traits: dict[str, float]
    key: tuple[int, ...]

    def __getitem__(self, trait: str) -> float:
        """Return the amount of a trait, 0 where the lesion has none."""
        return self.traits.get(trait, 0.0)

    def rng(self, stream: int) -> np.random.Generator:
        """Return a fresh generator for one purpose, the same numbers at every call."""
        return np.random.default_rng(np.random.SeedSequence((*self.key, stream)))


def draw(label: str, age: float, key: tuple[int, ...]) -> Lesion:
    """Draw a lesion of a class.

    label: one of the eight ISIC 2019 class names.
    age: of the patient in years; old skin is more sun-damaged.
    key: integers that name the lesion.
    """
    rng = np.random.default_rng(np.random.SeedSequence(key))
    traits: dict[str, float] = {}
    for name, (chance, low, high) in {**COMMON, **CLASSES[label]}.items():
        present, amount = rng.random() < chance, rng.uniform(low, high)
        traits[name] = float(amount) if present else 0.0
    # Most photographed skin is light; about a third runs from olive to dark brown.
    low, high = [(0.0, 0.15), (0.15, 0.45), (0.45, 1.5)][rng.choice(3, p=[0.7, 0.18, 0.12])]
    traits["skin_melanin"] = float(rng.uniform(low, high))
    traits["melanin"] *= 1 + 0.6 * traits["skin_melanin"]
    traits["sun"] = float(rng.beta(2, 4)) * min(1.0, 0.25 + age / 80)
    traits["skin_blood"] *= 1 - 0.3 * traits["skin_melanin"]
    traits["cast_red"], traits["cast_blue"] = rng.normal((0.0, 0.0), (0.05, 0.08)).tolist()
    return Lesion(traits, key)
