"""Write a run's network as one HTML file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skinfw import SkinfwError, atomic_write
from skinfw.toolkit import TrainedModel, display_path
from skinfw_inference.graph import Graph
from skinfw_inference.one_file.class_maps import MAPS, ClassMaps, MappedGraph, find_class_maps
from skinfw_inference.one_file.description import (
    calibration_texts,
    card,
    class_rows,
    program_facts,
    provenance,
)
from skinfw_inference.one_file.page import fill_page
from skinfw_inference.one_file.run_images import RunImages
from skinfw_inference.one_file.runtime_web import find_runtime
from skinfw_inference.one_file.variants import (
    CALIBRATION_IMAGES,
    Variant,
    halve_weights,
    quantise,
)
from skinfw_inference.onnx_export import check_answers, write_graph
from skinfw_inference.onnx_predictor import OUTPUT, OnnxPredictor

LARGE = 35_000_000
"""Bytes from which a page is large, for a phone and for a mail; fp16 is chosen there."""
_MOST = 300_000_000  # bytes; browsers hold no longer text
_VIEWS = ("center", "dihedral", "multi-crop", "multi-scale")
_TEXTS = {
    "fp32": "The weights of the network are whole, in single precision (fp32).",
    "fp16": "The weights of the network have half precision (fp16); it computes in single.",
    "int8": "The network computes with whole numbers of 8 bits (int8), a scale for each channel.",
}


@dataclass(frozen=True)
class OneFile:
    """Hold what was written.

    variant: the form of the network.
    difference: the largest one of a probability between the graph in fp32 and torch.
    loss: what the variant loses, in a sentence; "" for fp32.
    maps: which map is inside, or why none is.
    bytes: of the file.
    """

    variant: Variant
    difference: float
    loss: str
    maps: str
    bytes: int


def export_page(
    trained_model: TrainedModel,
    file: Path,
    variant: Variant | None,
    runtime_folder: Path | None,
    say: Callable[[str], None],
) -> OneFile:
    """Write a run's network as one HTML file, which answers in a browser without any request.

    trained_model: of a run folder.
    file: the target; it gets its name only when the answers of its graph agree with torch's.
    variant: None takes fp32, or fp16 where the page would be large.
    runtime_folder: an unpacked onnxruntime-web; None takes skinfw's own, which npm fetches once.
    say: told what takes long.
    Raises SkinfwError where the network gets more than pixels, or looks in a way unknown there.
    """
    check_page(trained_model)
    runtime = find_runtime(runtime_folder)
    graph = Graph(trained_model).eval()
    maps = find_class_maps(graph, trained_model)
    with tempfile.TemporaryDirectory() as place:
        full = Path(place) / "fp32.onnx"
        _write_onnx(graph, maps, trained_model, full)
        difference = check_answers(graph, trained_model, full, file)
        chosen = variant or _choose(full, len(runtime.wasm))
        network, loss = _reduced(trained_model, full, chosen, say)
        texts = {
            "marks": trained_model.marks,
            "classes": class_rows(trained_model),
            "provenance": provenance(trained_model),
            "map_text": maps.about,
            "variant_text": f"{_TEXTS[chosen]} {loss}".strip(),
            "difference_text": "Before the page was written, the graph in fp32 was compared with "
            f"torch on five images: probabilities differ by at most {difference:.6f}.",
            **calibration_texts(trained_model),
            **card(trained_model),
        }
        name, facts = trained_model.path.resolve().name, program_facts(trained_model)
        page = fill_page(name, network.read_bytes(), runtime, facts, texts)
    content = page.encode("utf-8")
    if len(content) > _MOST:
        raise _too_large(trained_model, len(content))
    with atomic_write(file) as partial:
        partial.write_bytes(content)
    return OneFile(chosen, difference, loss, maps.about, len(content))


def check_page(model: TrainedModel) -> None:
    """Refuse a network that one page cannot answer for, before anything is computed."""
    model.check_whole_images()
    use, why, cure = model.tables["view"]["use"], "", "skinfw export RUN --onnx writes its network"
    prepare = [own.use for own in model.components("prepare")]
    if any(own.known.metadata or own.pictures for own in model.networks):
        why = "the network gets metadata or further pictures, and the page asks for one image"
    elif prepare:
        why = f"its images are prepared by {', '.join(prepare)}, which the page does not know"
    elif use not in _VIEWS:
        why = f'it looks at images by the view "{use}"; the page knows {", ".join(_VIEWS)}'
        cure = "add --set view.use=center, if the network may look so, or use --onnx"
    if why:
        raise SkinfwError(
            "the network cannot be one HTML file", display_path(model.path), why, cure
        )


def _write_onnx(graph: Graph, maps: ClassMaps, trained_model: TrainedModel, file: Path) -> None:
    if maps.layer is None:
        write_graph(graph, graph, (OUTPUT,), trained_model, file)
    else:
        write_graph(graph, MappedGraph(graph, maps).eval(), (OUTPUT, MAPS), trained_model, file)


def _choose(full: Path, runtime_bytes: int) -> Variant:
    """Return fp32, or fp16 where the page would be large; only the runtime can be packed."""
    return "fp32" if 4 / 3 * (full.stat().st_size + runtime_bytes / 3) < LARGE else "fp16"


def _reduced(
    model: TrainedModel, full: Path, variant: Variant, say: Callable[[str], None]
) -> tuple[Path, str]:
    """Return the file of a variant, and what it loses."""
    if variant == "fp32":
        return full, ""
    small, images = full.with_name(f"{variant}.onnx"), RunImages(model)
    if variant == "fp16":
        halve_weights(full, small)
    else:
        try:
            views = images.views(CALIBRATION_IMAGES)
        except SkinfwError as error:
            raise SkinfwError(
                "int8 needs images of the run's data, to fit its scales by",
                error.where,
                error.why or error.what,
                "restore the data, or choose --variant fp16",
            ) from error
        say(f"fitting the scales of int8 on {len(views)} images that are not of the test part ...")
        quantise(full, small, views)
    say(f"measuring what {variant} loses on the test part ...")
    return small, _loss(model, images, full, small)


def _loss(model: TrainedModel, images: RunImages, full: Path, small: Path) -> str:
    """Say what a variant loses, or why nobody knows."""
    rows = model.batch_size
    try:
        loss = images.loss(
            OnnxPredictor(full, rows, model.trust), OnnxPredictor(small, rows, model.trust)
        )
    except SkinfwError as error:
        return f"What it loses of balanced accuracy is not known: {error.what}."
    return loss.text if loss else "No metric of the run measures what it loses."


def _too_large(model: TrainedModel, size: int) -> SkinfwError:
    return SkinfwError(
        f"the page would have {size / 1e6:,.0f} MB",
        display_path(model.path),
        f"browsers open no text of more than {_MOST / 1e6:,.0f} MB",
        "choose --variant fp16 or int8, or export the members of the ensemble one by one",
    )
