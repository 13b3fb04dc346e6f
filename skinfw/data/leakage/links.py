"""What joins images into one component, and which component each image is in.

Links are a table with the columns first and second, positions of rows, and evidence. A key that
many rows share links each of them to the first one, so that links are never more than rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

EVIDENCE = {
    "bytes": "equal files",
    "pixels": "equal pixels",
    "id": "one image id",
    "near-duplicate": "near-duplicates",
    "lesion": "one lesion",
    "patient": "one patient",
}
"""What may join two images, the strongest first, and how it is said."""

COPIES = ("bytes", "pixels", "id", "near-duplicate")
"""The evidence that two files hold one photograph."""

_ARCHIVE_IMAGE = r"(?:^|[/\\])(ISIC_\d{7})(?:_downsampled)?(?:\.\w+)?$"
_ARCHIVE_NAME = r"[A-Z][A-Z0-9]*_\d{6,}"


def connected_components(count: int, links: pd.DataFrame) -> npt.NDArray[np.integer]:
    """Return, for each row, the first row that it is joined with, directly or in a chain.

    count: of the rows.
    links: first and second.
    """
    import numpy as np
    from scipy.sparse import coo_array, csgraph

    ends = (links["first"].to_numpy(np.int64), links["second"].to_numpy(np.int64))
    graph = coo_array((np.ones(len(links)), ends), shape=(count, count))
    labels = csgraph.connected_components(graph, directed=False)[1]
    first = np.unique(labels, return_index=True)[1]
    return np.asarray(first[labels], np.int64)


def links_from_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return the links that the table itself tells: image ids, lesions and patients.

    table: with columns id and lesion, with patient where it is known, and with dataset where it
        has rows of several data sets. Between these, only names of the ISIC archive count, for
        private ones such as "1" mean something else in each.
    """
    names = {"id": bare_ids(table["id"]), "lesion": table["lesion"]}
    if "patient" in table.columns:
        names["patient"] = table["patient"]
    links = []
    for evidence, values in names.items():
        values = values.fillna("").astype(str).str.strip()
        if "dataset" in table.columns:
            public = archive_names(values)
            own = table["dataset"].astype(str) + "\n" + values
            values = values.where(public | (values == ""), own)
        links.append(links_by_value(values, evidence))
    return concatenate_links(links)


def archive_names(names: pd.Series[str]) -> pd.Series[bool]:
    """Tell which names of images, lesions or patients mean the same in every data set."""
    return names.str.fullmatch(_ARCHIVE_NAME)


def bare_ids(ids: pd.Series[str]) -> pd.Series[str]:
    """Return image ids without `_downsampled`, and those of the ISIC archive without the file.

    ids: as data sets have them, maybe paths.
    """
    archive = ids.str.extract(_ARCHIVE_IMAGE, expand=False)
    return archive.where(
        archive.notna(), ids.str.replace(r"_downsampled(?=$|\.\w+$)", "", regex=True)
    )


def shares_name(
    table: pd.DataFrame, others: pd.DataFrame, columns: Iterable[str], alike: bool
) -> pd.Series[bool]:
    """Tell which images of a table have a name that an image of another table has, too.

    columns: whose names are compared, such as id and lesion.
    alike: whether one component reads both; otherwise only names of the ISIC archive count, for
        private ones such as "1" mean something else in each.
    """
    import pandas as pd

    found = pd.Series(False, index=table.index)
    for column in columns:
        names = bare_ids(table[column].astype(str))
        shared = names.isin(set(bare_ids(others[column].astype(str))))
        found |= shared if alike else shared & archive_names(names)
    return found


def links_by_value(values: pd.Series[str], evidence: str) -> pd.DataFrame:
    """Return a link from each row to the first one with the same value; blanks link nothing.

    values: a name for each row.
    evidence: what the same name says.
    """
    import numpy as np
    import pandas as pd

    rows = np.flatnonzero((values != "").to_numpy())
    codes, unique = pd.factorize(values.to_numpy()[rows])
    first = np.full(len(unique), -1, dtype=np.int64)
    first[codes[::-1]] = rows[::-1]  # the last one to be written is the first row
    links = pd.DataFrame({"first": first[codes], "second": rows, "evidence": evidence})
    return links[links["first"] != links["second"]].reset_index(drop=True)


def concatenate_links(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return several tables of links as one, the strongest evidence first."""
    import pandas as pd

    some = [links for links in tables if len(links)]
    if not some:
        return pd.DataFrame({"first": [], "second": [], "evidence": []}).astype(
            {"first": int, "second": int, "evidence": object}
        )
    links = pd.concat(some, ignore_index=True)
    order = links["evidence"].map({name: rank for rank, name in enumerate(EVIDENCE)})
    return links.iloc[order.argsort(kind="stable")].reset_index(drop=True)
