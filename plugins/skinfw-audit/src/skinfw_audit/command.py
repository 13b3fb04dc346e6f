"""`skinfw data audit`: look at data sets before anything is trained on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from skinfw.toolkit import echo, set_option, trust_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skinfw import DataTable, DuplicateFinder
    from skinfw.toolkit import Recipe
    from skinfw_audit.audit import Audit, Contents, Shared

_MANY = 6


@click.command()
@click.argument("datasets", nargs=-1, required=True, metavar="DATASET...")
@set_option()
@trust_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what was found as JSON, and all pairs beside it as CSV.",
)
def audit(datasets: tuple[str, ...], sets: tuple[str, ...], trust: bool, out: Path | None) -> None:
    """Look for copies, damage and contradictions in data sets, and between them.

    A DATASET is a recipe, or the name of a data set with what it reads, such as
    isic2019=path/to/ISIC_2019.

    Exit codes: 0 nothing that could spoil a result, 1 damaged or absent files, copies with
    different labels, images in two data sets or in two official parts.
    """
    from skinfw import RecipeError, write_csv, write_json
    from skinfw.toolkit import Catalog, image_function, plan_image, plan_kind, read_data_table
    from skinfw_audit.audit import audit as look

    if out and out.suffix == ".csv":
        raise RecipeError(
            "the audit is written as JSON, and its pairs as CSV beside it",
            f"--out {out}",
            cure=f"--out {out.with_suffix('.json')}",
        )
    catalog = Catalog()
    tables: dict[str, DataTable] = {}
    finder: DuplicateFinder | None = None
    classes: dict[str, tuple[str, ...]] = {}
    drawn: list[str] = []
    for text in datasets:
        recipe = _recipe(text, sets, catalog, trust)
        component = plan_kind(recipe, catalog, "dataset")
        assert component, "a recipe without a data set is refused"
        duplicates = plan_kind(recipe, catalog, "duplicates")
        image = plan_image(recipe, catalog)
        finder = finder or (duplicates.make(image=image) if duplicates else None)
        for own in component.sets or (component,):
            dataset = own.make()
            name = _unused_name(own.host.get("source") or own.use.rpartition(":")[2], tables)
            tables[name], classes[name] = read_data_table(own, dataset), tuple(dataset.classes)
            if image_function(dataset):
                drawn.append(name)
    result = look(tables, classes, drawn, finder, lambda line: echo(line, err=True))
    heads = [_head(contents) for contents in result.contents]
    for line in _lines(result):
        echo(line, bold=line in heads)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_json(out, result.record())
        pairs = result.pairs
        write_csv(out.with_suffix(".csv"), list(pairs.columns), pairs.itertuples(index=False))
        echo(f"wrote {out} and {out.with_suffix('.csv')}")
    if not result.sound:
        raise click.exceptions.Exit(1)


def _recipe(text: str, sets: tuple[str, ...], catalog: Any, trust: bool) -> Recipe:
    """Return the recipe that an argument names, or the one that it stands for.

    Absent images are to be counted, not to end the audit.
    """
    from skinfw import RecipeError
    from skinfw.toolkit import DEFAULTS, Origin, import_target, load_recipe

    name, equals, place = text.partition("=")
    shorthand = bool(equals) and not Path(text).exists()
    if not shorthand:
        recipe = load_recipe(Path(text), sets, trust=trust or None)
    else:
        if sets:
            raise RecipeError(
                f"{sets[0]} has no recipe to change",
                f"skinfw data audit {text}",
                cure=f"write a recipe for {name}, and name that",
            )
        recipe = load_recipe(DEFAULTS)
        recipe.data["dataset"] = {"use": name}
        origin = Origin(f"skinfw data audit {text}", Path.cwd())
        recipe.origins[("dataset",)] = origin
    listed = recipe.data.get("dataset")
    for number, table in enumerate(listed if isinstance(listed, list) else [listed]):
        if not isinstance(table, dict) or not isinstance(table.get("use"), str):
            continue
        keys = ("dataset", number) if isinstance(listed, list) else ("dataset",)
        origin = recipe.origin(*keys, "use")
        entry = catalog.find("dataset", table["use"], origin.text, origin.folder, origin.trusted)
        model = import_target(entry, origin.text)[1].model.model_fields
        if shorthand:
            needed = [key for key, value in model.items() if value.is_required()]
            table.setdefault(needed[0] if needed else "root", place)
        if "missing" in model:
            table["missing"] = "drop"
    return recipe


def _unused_name(name: str, others: Mapping[str, object]) -> str:
    """Return a name that no other data set of the audit has."""
    number = 2
    unused = name
    while unused in others:
        unused, number = f"{name} ({number})", number + 1
    return unused


def _lines(result: Audit) -> list[str]:
    """Return the audit as a person reads it."""
    lines = []
    for contents in result.contents:
        lines += _about(contents)
        own = [shared for shared in result.shared
               if shared.inside == shared.also_in == contents.name]  # fmt: skip
        lines += [_shared_line(shared) for shared in own if shared.images]
    lines += [_shared_line(shared) for shared in result.shared if shared.inside != shared.also_in]
    for row in result.conflicts.head(_MANY).to_dict("records"):
        lines.append(
            f"conflict: {row['path_1']} is {row['label_1']}, {row['path_2']} is {row['label_2']}"
        )
    lines.append(f"{len(result.conflicts):,} pairs of copies have different labels")
    lines.append(f"{result.components:,} groups of images belong together")
    return lines


def _head(contents: Contents) -> str:
    return f"{contents.name}: {contents.images:,} images"


def _about(contents: Contents) -> list[str]:
    """Return what one data set holds, a line for each kind of fact."""
    facts = {
        "classes": _counts_text(contents.classes),
        "lesions": f"{contents.lesions:,}; with so many images: {_counts_text(contents.per_lesion)}"
        + (f"; {contents.several_labels:,} have several labels" if contents.several_labels else ""),
        "sizes": _counts_text(contents.sizes),
        "absent": f"{contents.absent:,} images" if contents.absent else "",
        "damaged": "; ".join(f"{path}: {why}" for path, why in
                             list(contents.damaged.items())[:_MANY])
        + (f"; {len(contents.damaged):,} in all" if len(contents.damaged) > _MANY else ""),
        "metadata": ", ".join(f"{name} {share:.0%}" for name, share in contents.metadata.items()),
        "parts": _counts_text(contents.parts)
        + (f"; {contents.straddling:,} lesions are in several" if contents.straddling else ""),
    }  # fmt: skip
    return [_head(contents), *(f"  {name:9} {fact}" for name, fact in facts.items() if fact)]


def _shared_line(shared: Shared) -> str:
    """Return how many images are somewhere else, too."""
    from skinfw.toolkit import COPIES, EVIDENCE

    by = ", ".join(f"{EVIDENCE[name]} {shared.by[name]:,}" for name in COPIES if shared.by[name])
    if shared.inside == shared.also_in:
        return f"  {'copies':9} {shared.images:,} images are copies of others  ({by})"
    renamed = f"; {shared.renamed:,} under another name" if shared.renamed else ""
    by = f"  ({by}{renamed})" if by else ""
    return f"{shared.images:,} images of {shared.inside} are in {shared.also_in}, too{by}"


def _counts_text(counts: Mapping[Any, int]) -> str:
    """Return counts in one line, many of them cut short."""
    shown = [f"{name} {count:,}" for name, count in list(counts.items())[: 2 * _MANY]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")
