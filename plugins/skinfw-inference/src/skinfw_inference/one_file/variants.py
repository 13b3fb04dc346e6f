"""Smaller forms of an exported network: weights in half precision, and whole numbers of 8 bits."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from skinfw_inference.onnx_predictor import INPUT
from skinfw_inference.packages import missing_package

Variant = Literal["fp32", "fp16", "int8"]
CALIBRATION_IMAGES = 128
# With what cuts a layer's answers off: a scale for answers before they are cut would be coarse.
_QUANTISED = ["Conv", "Gemm", "MatMul", "Clip", "Relu"]
_SMALL = 256  # numbers; what has fewer saves nothing
_LARGEST_HALF = float(np.finfo(np.float16).max)


def halve_weights(file: Path, target: Path) -> None:
    """Write a network whose weights have 16 bits; it computes with 32.

    A CPU, which is what computes in a browser, has no faster half precision, so that the weights
    are made single again when the network is opened, and only they are rounded.

    file: of a network in fp32.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(file)
    casts, kept = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if (
            tensor.data_type != TensorProto.FLOAT
            or values.size < _SMALL
            or np.abs(values).max() > _LARGEST_HALF
        ):
            kept.append(tensor)
            continue
        half = f"{tensor.name}_half"
        kept.append(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [tensor.name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend([*casts, *nodes])
    onnx.save(model, target)


def quantise(file: Path, target: Path, images: Sequence[npt.NDArray[np.uint8]]) -> None:
    """Write a network whose convolutions and linear layers compute with 8 bits.

    Static, with a scale for each channel of the weights (Jacob et al. 2018, arXiv 1712.05877), by
    the quantisation of ONNX Runtime.

    file: of a network in fp32.
    images: views, uint8 [H, W, 3], by which the scales of the activations are fitted.
    """
    try:
        import onnx
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    except ImportError as error:
        raise missing_package("onnx") from error

    texts = {own.key: own.value for own in onnx.load(file, load_external_data=False).metadata_props}
    logging.getLogger().addFilter(_silence)  # it advises steps that the exporter has taken
    try:
        quantize_static(
            str(file),
            str(target),
            _Images(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=_QUANTISED,
        )
    finally:
        logging.getLogger().removeFilter(_silence)
    model = onnx.load(target)
    onnx.helper.set_model_props(model, texts)
    onnx.save(model, target)


def _silence(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


class _Images:
    """Give images one after the other, as the quantisation of ONNX Runtime asks for them."""

    def __init__(self, images: Sequence[npt.NDArray[np.uint8]]) -> None:
        self._images = iter(images)

    def get_next(self) -> dict[str, Any] | None:
        """Return the inputs of the next call; None after the last."""
        image = next(self._images, None)
        return None if image is None else {INPUT: image[None]}
