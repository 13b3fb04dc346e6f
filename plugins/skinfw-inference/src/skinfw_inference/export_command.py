"""`skinfw export`: the network of a run as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from skinfw.toolkit import echo, network_option, set_option, trust_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skinfw.toolkit import TrainedModel

Network = Literal["best", "refit"] | None
NETWORK_HELP = (
    "The network of the run's numbers, or its refit; the refit unless given, if there is one."
)
SET_HELP = "Change the run's view, e.g. --set view.logit_adjustment=0.25; may be repeated."


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--onnx", is_flag=True, help="Write ONNX, which needs no torch.")
@click.option("--torch", is_flag=True, help="Write a program of torch.export.")
@click.option("--html", is_flag=True, help="Write one HTML file, which answers in a browser.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file; RUN/model.onnx, RUN/model.pt2 or RUN/model.html unless given.",
)
@click.option(
    "--variant",
    type=click.Choice(["fp32", "fp16", "int8"]),
    help="With --html, the numbers that the network has: fp32, or fp16 where the file would be "
    "large, unless given. What the others lose is measured on the run's test part.",
)
@click.option(
    "--runtime-web",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="With --html, an unpacked onnxruntime-web; npm fetches it once unless given.",
)
@network_option(NETWORK_HELP)
@set_option("view.KEY=VALUE", SET_HELP)
@trust_option
def export(
    run: Path,
    onnx: bool,
    torch: bool,
    html: bool,
    out: Path | None,
    variant: Literal["fp32", "fp16", "int8"] | None,
    runtime_web: Path | None,
    network: Network,
    sets: tuple[str, ...],
    trust: bool,
) -> None:
    """Write the network of a run as one file that works without skinfw.

    RUN is a run folder. The file takes pixels, and metadata where the network was trained with
    some, and gives probabilities; texts in it hold the classes, how images are prepared, and the
    marks of the run. Its answers are compared with the network's before it gets its name. With
    --html it is a page that takes images and works from a disk, without a request to anybody.
    """
    from skinfw_inference.packages import check_packages

    if onnx + torch + html != 1:
        raise click.UsageError("say in which format: --onnx, --torch or --html")
    if (variant or runtime_web) and not html:
        raise click.UsageError("--variant and --runtime-web belong to --html")
    if onnx or html:
        check_packages("onnx", "onnxruntime")
    from skinfw.toolkit import load_trained_model

    trained_model = load_trained_model(run, sets, trust, network)
    trained_model.check_whole_images()
    say_marks(trained_model.marks)
    if html:
        _export_page(trained_model, out or trained_model.path / "model.html", variant, runtime_web)
        return
    name = "model.onnx" if onnx else "model.pt2"
    write_export(trained_model, out or trained_model.path / name, onnx)


def say_marks(marks: Sequence[str]) -> None:
    """Say what must be known before an answer is believed."""
    for mark in marks:
        echo(f"note: {mark}")


def write_export(trained_model: TrainedModel, out: Path, onnx: bool = True) -> None:
    """Write the network as ONNX or as a program of torch.export, and say how equal it answers."""
    from skinfw.toolkit import display_path

    if onnx:
        from skinfw_inference.onnx_export import export
    else:
        from skinfw_inference.torch_export import export

    difference = export(trained_model, out)
    echo(f"wrote {display_path(out)}; its probabilities differ from torch's by {difference:.1g}")


def _export_page(
    trained_model: TrainedModel,
    out: Path,
    variant: Literal["fp32", "fp16", "int8"] | None,
    runtime_web: Path | None,
) -> None:
    from skinfw.toolkit import display_path
    from skinfw_inference.one_file.export import export_page

    page = export_page(trained_model, out, variant, runtime_web, echo)
    for text in filter(None, (page.maps, page.loss)):
        echo(f"note: {text}")
    echo(
        f"wrote {display_path(out)}: {page.variant}, {page.bytes / 1e6:.1f} MB; in fp32 its "
        f"probabilities differ from torch's by {page.difference:.1g}"
    )
