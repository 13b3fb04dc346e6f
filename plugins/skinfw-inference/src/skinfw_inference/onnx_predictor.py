"""Answer with ONNX Runtime, which starts fast and needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skinfw import SkinfwError
from skinfw.toolkit import TrainedModel, usable_cores
from skinfw_inference.exported_model import read_metadata
from skinfw_inference.packages import missing_package

INPUT, METADATA, OUTPUT, ROWS = "images", "metadata", "probabilities", "N"
_ERRORS_ONLY = 3


class OnnxPredictor:
    """Hold a session of an exported network; the members of an ensemble are inside of it."""

    members = ()

    def __init__(self, file: Path, rows: int, trust: bool = False) -> None:
        """Open a file that `skinfw export` wrote.

        file: the .onnx file.
        rows: images of one call; the graph is folded for exactly so many, which is what makes it
            fast where padding or reshaping depends on the shape.
        trust: whether Python files that the file names may be imported unseen.
        Raises SkinfwError where it cannot be read or ONNX Runtime is absent.
        """
        library = runtime()
        options = library.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.intra_op_num_threads = usable_cores()
        # Threads that wait busily would take the cores from those that decode.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_free_dimension_override_by_name(ROWS, rows)
        if not file.is_file():
            raise SkinfwError(
                "there is no such file", str(file), cure="skinfw export RUN --onnx writes one"
            )
        try:
            self._session = library.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's errors share no class
            raise SkinfwError(
                "the file cannot be opened by ONNX Runtime",
                str(file),
                str(error).splitlines()[0],
                "export it again: skinfw export RUN --onnx",
            ) from error
        self._rows = rows
        self.texts: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        self.trained_model: TrainedModel = read_metadata(file, self.texts, trust)

    def probabilities(
        self, images: npt.NDArray[np.uint8], metadata: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float64]:
        """Return the probabilities [M, C] of images, uint8 [M, H, W, 3], for any M.

        Of networks that look at P pictures the images are [M, P, H, W, 3].
        metadata: [M, K], NaN where a value is missing; None where all of them are.
        """
        given: dict[str, npt.NDArray[Any]] = {INPUT: images}
        if columns := len(self.trained_model.known.metadata):
            unknown = np.full((len(images), columns), np.nan, np.float32)
            given[METADATA] = unknown if metadata is None else metadata
        answers = [
            self._answer({name: own[at : at + self._rows] for name, own in given.items()})
            for at in range(0, len(images), self._rows)
        ]
        return np.concatenate(answers).astype(np.float64)

    def _answer(self, given: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Answer one call, filled up with zeros to its fixed number."""
        count = len(given[INPUT])
        if count < self._rows:
            lacking = self._rows - count
            given = {
                name: np.concatenate([own, np.zeros((lacking, *own.shape[1:]), own.dtype)])
                for name, own in given.items()
            }
        answer: npt.NDArray[np.float32] = self._session.run([OUTPUT], given)[0]
        return answer[:count]


def runtime() -> Any:
    """Return the module of ONNX Runtime."""
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_package("onnxruntime") from error
    return onnxruntime
