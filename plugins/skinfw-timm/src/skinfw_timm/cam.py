"""Find the layer to explain: the last feature map before pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def last_map(model: torch.nn.Module, size: int) -> str:
    """Return the name of the last module that gives a map wider than one pixel, or tokens.

    model: any classifier; it is run once on a black image, in evaluation mode.
    size: side of the image.
    """
    import torch

    blocks: Any = getattr(model, "blocks", ())
    if blocks and getattr(model, "global_pool", "") == "token" and hasattr(blocks[-1], "norm1"):
        # After the last attention only the class token matters; the patches speak before it.
        return f"blocks.{len(blocks) - 1}.norm1"
    last: list[str] = [""]

    def watch(name: str) -> Any:
        def note(_: Any, __: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor) and (
                (output.ndim == 4 and min(output.shape[1:3]) > 1 and max(output.shape[2:]) > 1)
                or (output.ndim == 3 and output.shape[1] > 1)
            ):
                last[0] = name

        return note

    was_training = model.training
    model.eval()
    handles = [
        module.register_forward_hook(watch(name)) for name, module in model.named_modules() if name
    ]
    try:
        with torch.no_grad():
            model(torch.zeros(1, 3, size, size))
    finally:
        for handle in handles:
            handle.remove()
        model.train(was_training)
    return last[0]
