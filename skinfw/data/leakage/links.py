"""What joins images into one component, and which component each image is in.

Links are a table with the columns first and second, positions of rows, and evidence. A key that
many rows share links each of them to the first one, so that links are never more than rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

Sources = Mapping[str, Mapping[str, Any]]
"""What reads each data set of a table, by its source."""

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
    table: pd.DataFrame,
    others: pd.DataFrame,
    columns: Iterable[str],
    sources: Sources,
    other_sources: Sources,
) -> pd.Series[bool]:
    """Tell which images of a table have a name that an image of another table has, too.

    columns: whose names are compared, such as id and lesion.
    sources, other_sources: of the tables, from `data_sources`.
    Names of the ISIC archive mean the same everywhere. A private one, such as "1", is compared
    without the source before it, and only where one component reads both data sets; where a
    table has the other data set itself, with that one alone.
    """
    import pandas as pd

    found = pd.Series(False, index=table.index)
    for column in columns:
        own_source, names = _names_by_source(table[column], sources)
        their_source, theirs = _names_by_source(others[column], other_sources)
        found |= archive_names(names) & names.isin(set(theirs))
        known = {source: set(theirs[their_source == source]) for source in their_source.unique()}
        for source in own_source.unique():
            alike = [
                known[other]
                for other in known
                if _comparable(source, other, sources, other_sources)
            ]
            found |= (own_source == source) & names.isin(set().union(*alike))
    return found


def shares_learned(
    table: pd.DataFrame,
    learned: pd.DataFrame,
    columns: Iterable[str],
    sources: Sources,
    learned_sources: Sources,
) -> pd.Series[bool]:
    """Tell which images of a table share a name with what a run has learned, labelled or not.

    table: with the path of each image.
    learned: of the run's splits.csv, with lesion. Of an image without a label that is not read as
        the run's data set is, the lesion is one of `reader_names`; of a file of a folder it has the
        name of the file.
    columns, sources, learned_sources: as for `shares_name`.
    """
    found = shares_name(table, learned, columns, sources, learned_sources)
    lesions = set(learned["lesion"].astype(str))
    files = ":" + bare_ids(table["path"].astype(str)).map(lambda path: PurePath(path).stem)
    return found | reader_names(table["lesion"], sources).isin(lesions) | files.isin(lesions)


def reader_names(values: pd.Series[Any], sources: Sources) -> pd.Series[str]:
    """Return names of lesions that mean the same in every table: with the component before them.

    values: as the table has them; names of the ISIC archive stay.
    sources: of the table; by a component without a name, files of a folder are read.
    """
    source, names = _names_by_source(values, sources)
    readers = {one: _component_name(own) for one, own in sources.items()}
    return names.where(archive_names(names), source.map(readers).fillna("") + ":" + names)


def _names_by_source(
    values: pd.Series[Any], sources: Sources
) -> tuple[pd.Series[str], pd.Series[str]]:
    """Return the source of each name, and the name as that data set has it.

    Of several data sets, a name without one of them before it is of none, which is "".
    """
    values = values.astype(str)
    head = values.str.extract("^([^/]*)/", expand=False).fillna("")
    head = head.where(head.isin(set(sources)), "")
    own = values.str.replace("^[^/]*/", "", regex=True)
    return head, bare_ids(own.where(head != "", values))


def _comparable(source: str, other: str, sources: Sources, other_sources: Sources) -> bool:
    """Tell whether a private name may mean the same in two data sets: rather too often."""
    own, their = sources.get(source), other_sources.get(other)
    if own is None or their is None or own == their:
        return True
    if _component_name(own) != _component_name(their):
        return False
    return own not in other_sources.values() and their not in sources.values()


def _component_name(reader: Mapping[str, Any]) -> str:
    """Return the name of a component, without its plugin or file."""
    return str(reader["use"]).rpartition(":")[2]


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
