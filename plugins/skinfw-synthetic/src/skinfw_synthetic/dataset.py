"""The data set component; numerical libraries load only when pixels or tables are wanted."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from annotated_types import Ge, Interval

from skinfw import DataTable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from skinfw_synthetic.anatomy import Lesion
    from skinfw_synthetic.camera import View


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """Draw dermoscopic lesions instead of photographing them.

    images: how many images to draw in all classes together.
    size: height in pixels; the width is 4/3 of it, as in HAM10000.
    seed: which world of lesions; the same seed gives the same pixels.
    """

    images: Annotated[int, Ge(64)] = 1000
    size: Annotated[int, Interval(ge=64, le=1024)] = 192
    seed: Annotated[int, Ge(0)] = 0

    classes: ClassVar[tuple[str, ...]] = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC")
    display_licence: ClassVar[str] = "none is needed, for they are drawn"

    def table(self) -> DataTable:
        """Return one row per image: id, path, label, lesion and the official metadata."""
        import pandas as pd

        from skinfw_synthetic.world import patients, world

        plan = world(self.images, self.seed)
        ids = [f"SYN_{number:07d}" for number in range(self.images)]
        people = patients(self.images, self.seed).iloc[plan.lesion].reset_index(drop=True)
        rows = pd.DataFrame(
            {
                "id": ids,
                "path": ids,
                "label": [plan.label[number] for number in plan.lesion],
                "lesion": [f"SYNL_{number:05d}" for number in plan.lesion],
            }
        )
        return DataTable(rows.join(people), marks=("synthetic images, not patients",))

    def image(self, path: str) -> "NDArray[np.uint8]":
        """Return the pixels of an image, uint8 [H, W, 3] RGB; path: as in the table."""
        from skinfw_synthetic.camera import expose
        from skinfw_synthetic.painting import paint

        lesion, view, rng = self._scene(path)
        return expose(paint(lesion, view), rng)

    def mask(self, path: str) -> "NDArray[np.bool_]":
        """Return where the lesion is in an image, bool [H, W]; path: as in the table."""
        from skinfw_synthetic.painting import outline

        lesion, view, _ = self._scene(path)
        return outline(lesion, view)

    def _scene(self, path: str) -> "tuple[Lesion, View, np.random.Generator]":
        import numpy as np

        from skinfw_synthetic.anatomy import draw
        from skinfw_synthetic.camera import look
        from skinfw_synthetic.world import world

        number = self._number(path)
        plan = world(self.images, self.seed)
        which = int(plan.lesion[number])
        lesion = draw(plan.label[which], float(plan.age[which]), (self.seed, 1, which))
        rng = np.random.default_rng(np.random.SeedSequence((self.seed, 2, number)))
        return lesion, look(rng, self.size), rng

    def _number(self, path: str) -> int:
        digits = path.removeprefix("SYN_")
        if digits.isdecimal() and path == f"SYN_{int(digits):07d}" and int(digits) < self.images:
            return int(digits)
        from skinfw import SkinfwError

        raise SkinfwError(
            what=f"there is no synthetic image {path!r}",
            where="dataset synthetic",
            why=f"{self.images} images are named SYN_0000000 to SYN_{self.images - 1:07d}",
            cure="take paths from table(), or ask for more images",
        )
