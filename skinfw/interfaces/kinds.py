"""The kinds of components: a closed table. A new kind is a decision record, not a patch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """Describe one role that a component can play.

    name: the recipe table.
    does: what the built object does, for `skinfw show` and the docs.
    gives: the names that the engine offers before the star of a signature.
    method: the method that the built object must have, with its arguments; empty where the object
        itself is called or has only hooks.
    many: whether a recipe may list several (`[[metric]]`).
    required: whether a recipe must name one.
    merger: the component that makes one of several where a recipe lists them (`[[dataset]]`) and
        the kind is not of many; empty where it may name but one.
    in_recipe: whether recipes name it; commands name the others, by an option.
    """

    name: str
    does: str
    gives: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    many: bool = False
    required: bool = False
    merger: str = ""
    in_recipe: bool = True


_TABLE = (
    Kind(
        "dataset",
        "table() -> DataTable with rows id, path, label, lesion, ...; classes",
        ("sets",),
        ("table",),
        required=True,
        merger="merged",
    ),
    Kind(
        "duplicates",
        "find(paths, folder, say) -> which image files hold one photograph",
        ("image",),
        method=("find", "paths", "folder", "say"),
    ),
    Kind(
        "split",
        "assign(table, rng) -> 'train', 'val' or 'test' for each row",
        method=("assign", "table", "rng"),
        required=True,
    ),
    Kind(
        "sampler",
        "draw(labels, context) -> Draw, once per epoch",
        method=("draw", "labels", "context"),
        required=True,
    ),
    Kind(
        "prepare",
        "prepare(image) -> image, once for every image, before all else",
        method=("prepare", "image"),
        many=True,
    ),
    Kind(
        "cache",
        "open(paths, decoding, build, say) -> decoded images by path, kept for later runs",
        method=("open", "paths", "decoding", "build", "say"),
    ),
    Kind(
        "augment",
        "roll(dice) -> steps, for each training image",
        ("size",),
        ("roll", "dice"),
        many=True,
    ),
    Kind(
        "mix",
        "mix(images, rng) -> images, order, share: each image of a batch mixed with another",
        method=("mix", "images", "rng"),
    ),
    Kind(
        "view",
        "plan(size) -> the test-time views of one image",
        ("size",),
        ("plan", "size"),
        required=True,
    ),
    Kind(
        "backbone",
        "nn.Module: images [N, 3, H, W] -> logits [N, C]; names its cam_layer",
        ("variant", "classes", "size"),
        required=True,
    ),
    Kind(
        "modify",
        "modify(model) -> the backbone, changed before it learns",
        ("classes", "modalities"),
        ("modify", "model"),
        many=True,
    ),
    Kind(
        "loss",
        "(logits, targets, class_weight) -> scalar",
        ("classes", "counts"),
        required=True,
    ),
    Kind(
        "weighting",
        "weights(counts, epoch, epochs) -> class weights [C]",
        ("classes",),
        method=("weights", "counts", "epoch", "epochs"),
    ),
    Kind("optimizer", "torch optimizer of the model", ("model",), required=True),
    Kind(
        "schedule",
        "torch learning rate scheduler, stepped once per optimizer step",
        ("optimizer", "steps", "epochs"),
        required=True,
    ),
    Kind("metric", "(predictions) -> named numbers", many=True),
    Kind("explainer", "(model, images, targets) -> maps [N, H, W] in [0, 1]", many=True),
    Kind("report", "write(result, folder) -> files", (), ("write", "result", "folder"), many=True),
    Kind("track", "any of the run hooks", many=True),
    Kind(
        "launcher",
        "launch(tasks, say) -> how each command of skinfw ended that it carried out somewhere",
        method=("launch", "tasks", "say"),
        in_recipe=False,
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _TABLE}

RECIPE_KINDS: dict[str, Kind] = {name: kind for name, kind in KINDS.items() if kind.in_recipe}
"""What a recipe says; where it is computed is said beside it."""
