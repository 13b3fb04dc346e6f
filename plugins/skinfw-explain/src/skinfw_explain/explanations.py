"""Explain images one after the other, and keep maps, pictures, sheets and a table of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import RecipeError, SkinfwError, atomic_write, write_csv
from skinfw.toolkit import (
    NOTICE,
    Case,
    CasePreparation,
    ListedImage,
    PlannedComponent,
    TorchPredictor,
    TrainedModel,
    check_explainer,
    class_maps,
    did_you_mean,
    display_path,
    file_name,
    named_explainer,
    run_explainers,
    whole_percent,
)
from skinfw_explain.layers import AUTO
from skinfw_explain.sheet import SheetRow, draw_overlay, draw_sheet, images_on_sheet
from skinfw_explain.summary import MapSummary, summarize_map

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DEFAULT = "grad-cam"
_SHOWN = 3
"""Of the classes, the most probable ones, below an image."""

_ABOUT = "Brighter: speaks more for the class. Line: half of the highest value."


def choose_explainers(
    predictor: TorchPredictor, names: Sequence[str], layer: str
) -> list[PlannedComponent[Any]]:
    """Return the explainers of a run's network, each checked against it.

    names: of explainers; those of the run's recipe where there are none, else Grad-CAM.
    layer: that all of them look at, instead of their own; empty for their own.
    Raises RecipeError where one does not exist or does not fit.
    """
    model = predictor.trained_model
    if layer == AUTO:
        raise RecipeError(
            "a layer is chosen once, when a network is trained",
            f"--layer {AUTO}",
            "explain takes the layer that the run has chosen, if its recipe says so",
            'leave out --layer; a recipe says it as layer = "auto" of [[explainer]]',
        )
    if layer and model.members:
        raise RecipeError(
            "an ensemble has no layer that all its networks share",
            f"--layer {layer}",
            f"it has {len(model.members)} networks, each explained by its own layer",
            "leave out --layer, or name the folder of one of its members",
        )
    wanted = dict.fromkeys(names or [component.use for component in run_explainers(model, DEFAULT)])
    tail = f" --layer {layer}" if layer else ""
    components = [named_explainer(model, name, f"--method {name}{tail}", layer) for name in wanted]
    for component in components:
        check_explainer(predictor, component)
    return components


def class_place(model: TrainedModel, name: str) -> int:
    """Return the place of a class.

    name: of the class.
    Raises RecipeError where the network has no such class.
    """
    if name not in model.classes:
        raise RecipeError(
            f'the network has no class "{name}"{did_you_mean(name, model.classes)}',
            "--class",
            f"its classes are {', '.join(model.classes)}",
            "name one of them; without --class the most probable one is explained",
        )
    return model.classes.index(name)


def answer_lines(
    classes: Sequence[str], chances: npt.NDArray[np.float64], unknown: bool | None
) -> list[str]:
    """Return what stands below an image: the most probable classes, and what is unknown.

    chances: [C], of the classes.
    unknown: whether the image may show none of them; None where nothing was fitted that tells.
    """
    order = chances.argsort()[::-1][:_SHOWN]
    lines = [", ".join(f"{classes[one]} {whole_percent(float(chances[one]))}" for one in order)]
    if unknown is not None:
        lines.append("may show none of the classes" if unknown else "")
    return lines


@dataclass
class ExplanationFolder:
    """Write what explainers say of images into a folder.

    folder: is made where it does not exist.
    predictor: the network.
    components: the explainers.
    wanted: the place of the class to explain; None for the most probable one of each image.
    """

    folder: Path
    predictor: TorchPredictor
    components: Sequence[PlannedComponent[Any]]
    wanted: int | None = None
    _rows: list[tuple[Any, ...]] = field(default_factory=list, init=False)
    _losses: list[tuple[str, str, str]] = field(default_factory=list, init=False)
    _waiting: list[SheetRow] = field(default_factory=list, init=False)
    _sheets: int = field(default=0, init=False)

    def add(self, image: ListedImage, case: Case, raw: npt.NDArray[np.float64]) -> None:
        """Explain an image; write its maps, and a sheet as soon as one is full.

        raw: probabilities [C], as the network gives them.
        """
        model = self.predictor.trained_model
        chances = model.calibration.scale(raw[None])[0]
        place = int(raw.argmax()) if self.wanted is None else self.wanted
        name, chance = model.classes[place], float(chances[place])
        pixels, maps = self._pixels(case), []
        for component in self.components:
            heat = self._map(component, case, place)
            method = component.use
            self._write(method, image.id, pixels, heat)
            told = [format(number, ".4f") for number in astuple(summarize_map(heat))]
            self._rows.append((image.id, image.path, method, name, f"{chance:.8f}", *told))
            maps.append((f"{method}: {name if heat.any() else f'nothing for {name}'}", heat))
        unknown = model.calibration.may_be_unknown(raw[None])
        lines = answer_lines(model.classes, chances, None if unknown is None else bool(unknown[0]))
        self._waiting.append(SheetRow((image.id, *lines), pixels, maps))
        if len(self._waiting) == images_on_sheet(len(maps)):
            self._write_sheet()

    def lose(self, image: ListedImage, reason: str) -> None:
        """Note an image that cannot be used, and why."""
        self._losses.append((image.id, image.path, reason))

    def finish(self) -> Iterator[Path]:
        """Write what is left, and yield the files that a reader opens first."""
        if self._waiting:
            self._write_sheet()
        self.folder.mkdir(parents=True, exist_ok=True)
        table = self.folder / "explanations.csv"
        numbers = [one.name for one in fields(MapSummary)]
        write_csv(table, ["id", "path", "method", "class", "probability", *numbers], self._rows)
        yield table
        yield from (self._sheet(number) for number in range(1, self._sheets + 1))
        old = self._sheets + 1
        while self._sheet(old).is_file():  # of an earlier call, whose images the table lacks
            self._sheet(old).unlink()
            old += 1
        failed = self.folder / "failed.csv"
        if self._losses:
            write_csv(failed, ["id", "path", "reason"], self._losses)
            yield failed
        else:
            failed.unlink(missing_ok=True)

    def _sheet(self, number: int) -> Path:
        return self.folder / f"sheet-{number}.png"

    def _pixels(self, case: Case) -> npt.NDArray[np.uint8]:
        """Return the first view of the first picture, as the network sees it."""
        prepared = CasePreparation(self.predictor.trained_model)(case)
        if isinstance(prepared, SkinfwError):
            raise prepared
        view: npt.NDArray[np.uint8] = prepared.views[0]
        return view[0] if view.ndim == 4 else view

    def _map(
        self, component: PlannedComponent[Any], case: Case, place: int
    ) -> npt.NDArray[np.float32]:
        import numpy as np

        maps = class_maps(self.predictor, component, [case], np.array([place]))
        return np.asarray(maps[0])

    def _write(self, method: str, name: str, pixels: Any, heat: npt.NDArray[np.float32]) -> None:
        """Write a map as numbers and as a picture."""
        import numpy as np
        from PIL import Image

        folder = self.folder / file_name(method)
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / f"{file_name(name)}.npy") as file, file.open("wb") as sink:
            np.save(sink, heat)
        picture = Image.fromarray(draw_overlay(pixels, heat))
        with atomic_write(folder / f"{file_name(name)}.png") as file:
            picture.save(file, "PNG")

    def _write_sheet(self) -> None:
        """Write the waiting images as a sheet."""
        model = self.predictor.trained_model
        self._sheets += 1
        notes = [f"Note: {mark}." for mark in model.marks]
        header = [f"Where {display_path(model.path)} looks", NOTICE, _ABOUT, *notes]
        sheet = draw_sheet(self._waiting, header)
        with atomic_write(self._sheet(self._sheets)) as file:
            sheet.save(file, "PNG")
        self._waiting.clear()
