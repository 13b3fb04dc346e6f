"""ISIC 2017 part 3: 2,000 training, 150 validation and 600 test images, three classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from skinfw import DataTable, Downloads, present_rows, refuse_rows
from skinfw_isic.downloads import ISIC2017
from skinfw_isic.official import (
    AGE,
    IMAGE,
    ONE_HOT,
    SEX,
    find_csv,
    find_images,
    is_one,
    read_official,
    refuse_shared,
    refuse_undescribed,
    refuse_unknown_images,
    refuse_unlabelled,
)

if TYPE_CHECKING:
    import pandas as pd

CLASSES = ("MEL", "SK", "NV")
COLUMNS = ("melanoma", "seborrheic_keratosis")
PARTS = {"train": "Training", "val": "Validation", "test": "Test_v2"}
METADATA = {"age_approximate": "age_approx", "sex": "sex"}


@dataclass(frozen=True, kw_only=True)
class Isic2017:
    """Read the three parts of ISIC 2017 as they are downloaded.

    The root holds, for each of Training, Validation and Test_v2,
    ISIC-2017_<part>_Part3_GroundTruth.csv and the folder ISIC-2017_<part>_Data, whose superpixel
    maps are ignored; each may also lie in a folder of its own name. An image that is neither
    melanoma nor seborrheic keratosis is a nevus. There are no lesion ids: each image counts as its
    own lesion. The column split has the official parts. Codella et al. 2018 (arXiv 1710.05006);
    licence CC-0.

    root: the folder of the unpacked archives.
    missing: what to do about images that the tables name and the folders lack: "error", or
        "drop" them and say how many.
    """

    downloads: ClassVar[Downloads] = ISIC2017
    display_licence: ClassVar[str] = "CC0 1.0"

    root: Path
    missing: Literal["error", "drop"] = "error"

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of Yao et al."""
        return CLASSES

    def table(self) -> DataTable:
        """Return a row per image that is there."""
        import pandas as pd

        table = pd.concat([self._part(part) for part in PARTS], ignore_index=True)
        refuse_shared(table, self.root)
        return present_rows(table, table["path"] == "", self.missing, str(self.root))

    def _part(self, part: str) -> pd.DataFrame:
        """Return the rows of one official part."""
        import pandas as pd

        name = f"ISIC-2017_{PARTS[part]}"
        file = find_csv(self.root, f"{name}_Part3_GroundTruth")
        columns = {"image_id": IMAGE, **dict.fromkeys(COLUMNS, ONE_HOT)}
        truth = read_official(file, columns, "image_id")
        ones = is_one(truth[list(COLUMNS)])
        what = "both labels of an image are 1"
        refuse_rows(file, pd.Series(ones.sum(1) > 1), truth["image_id"], what)
        labels = [
            "MEL" if melanoma else "SK" if keratosis else "NV" for melanoma, keratosis in ones
        ]
        files = find_images(self.root, f"{name}_Data")
        ids = truth["image_id"]
        table = pd.DataFrame({"id": ids, "label": labels, "lesion": ids, "split": part})
        table["path"] = [str(files.get(name, "")) for name in ids]
        refuse_unknown_images(files, ids, file)
        return table.join(self._metadata(f"{name}_Data", ids, file))

    def _metadata(self, folder: str, ids: pd.Series[str], truth: Path) -> pd.DataFrame:
        """Return age and sex for some ids; blank where the part has no metadata, as the test."""
        import pandas as pd

        places = (self.root / folder / folder, self.root / folder, self.root)
        files = [place / f"{folder}_metadata.csv" for place in places]
        file = next((file for file in files if file.is_file()), None)
        if file is None:
            return pd.DataFrame("", ids.index, list(METADATA.values()))
        columns = {"image_id": IMAGE, "age_approximate": AGE, "sex": SEX}
        known = read_official(file, columns, "image_id")
        refuse_unlabelled(known["image_id"], ids, file, truth)
        refuse_undescribed(known["image_id"], ids, file)
        known = known.set_index("image_id").rename(columns=METADATA).replace("unknown", "")
        return known.reindex(ids)[list(METADATA.values())].set_index(ids.index)
