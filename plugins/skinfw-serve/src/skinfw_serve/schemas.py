"""What the API answers, as an OpenAPI document tells it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from skinfw.toolkit import NOTICE
from skinfw_serve.problems import Problem

Share = Annotated[float, Field(ge=0, le=1)]
Notice = Annotated[str, Field(description="What nobody may forget.")]


class Class(BaseModel):
    """Say what a class of the network means."""

    name: str = Field(description="As the recipe calls it, such as MEL.")
    words: str = Field(description="Its diagnoses in words, such as melanoma.")
    malignancy: Literal["malignant", "benign", "indeterminate", "unknown"] = Field(
        description="Of its diagnoses; unknown where the table of diagnoses lacks the name."
    )


class ClassProbability(Class):
    """Say how probable a class is."""

    probability: Share = Field(description="Calibrated where `calibrated` says so.")


class OperatingPoint(BaseModel):
    """Say what would be done with the image at one threshold that validation has fixed."""

    name: str = Field(description="The class or rule that the threshold is of.")
    of_a_class: bool = Field(description="Whether it is the threshold of a single class.")
    chance: Share = Field(
        description="What is compared: the network's own, without the temperature."
    )
    threshold: Share = Field(description="From which on the class is called.")
    called: bool = Field(description="Whether the chance reaches the threshold.")
    does: str = Field(description="What would be done, and how good that is, in a sentence.")


class Map(BaseModel):
    """Show where the evidence for the predicted class is."""

    method: str = Field(description="The explainer, as `skinfw show explainer` knows it.")
    picture: str = Field(description="What the network sees of the image, PNG in base64.")
    overlay: str = Field(
        description="PNG in base64 of the same size; its alpha / 255 is the value of the map."
    )


class SimilarCase(BaseModel):
    """Name a training image that the network sees much like this one."""

    label: str = Field(description="Its class.")
    words: str = Field(description="The class in words.")
    similarity: float = Field(
        ge=-1.001, le=1.001, description="The cosine between both images' last features."
    )
    id: str | None = Field(description="Its name; null where its licence does not permit.")
    thumbnail: str | None = Field(description="JPEG in base64; null where not permitted.")


class Answer(BaseModel):
    """Answer for one image."""

    predicted: str = Field(description="The most probable class.")
    words: str = Field(description="The same in words.")
    probabilities: list[ClassProbability] = Field(description="In the network's order.")
    calibrated: bool = Field(description="Whether they are at the temperature of validation.")
    prediction_set: list[str] | None = Field(
        description="The classes that cannot be ruled out; null where none were fitted."
    )
    may_be_unknown: bool | None = Field(
        description="Whether it is unlike anything that training showed; null where not fitted."
    )
    operating_points: list[OperatingPoint] = Field(
        description="What would be done at the thresholds of the run; empty where it has none."
    )
    map: Map | None = Field(description="Null unless it was asked for, and where there is none.")
    similar: list[SimilarCase] = Field(description="The most similar first; one of a lesion.")
    notes: list[str] = Field(description="What else must be known of this answer.")
    notice: Notice = NOTICE


class BatchLine(BaseModel):
    """Answer for one image of a batch, a line of NDJSON."""

    index: int = Field(ge=0, description="The place of the image in the request, from 0.")
    answer: Answer | None = Field(default=None, description="Null where there is a problem.")
    problem: Problem | None = Field(default=None, description="Why there is no answer, else null.")


class Bounds(BaseModel):
    """Say what a request may cost."""

    image_bytes: int = Field(description="Of one image.")
    pixels: int = Field(description="Of one image; fewer of formats that cost more.")
    formats: list[str] = Field(description="Told by what a file contains, never by its name.")
    batch_bytes: int = Field(description="Of one batch.")
    batch_images: int = Field(description="Of one batch.")
    requests: int = Field(description="That are answered at once.")
    rate: int = Field(description="Images a minute of one client.")
    body_seconds: float = Field(description="In which a request must have arrived.")


class SimilarCases(BaseModel):
    """Say whether similar training cases can be shown."""

    images: int = Field(description="Training images that are compared; 0 for none.")
    why: str = Field(description="Why there are none, or no thumbnails; else empty.")
    licence: str = Field(description="Which permits thumbnails; empty where none does.")
    attribution: str = Field(description="Whom the licence asks to name.")


class About(BaseModel):
    """Say what the network is, and what it cannot do."""

    name: str = Field(description="Of the run.")
    skinfw: str = Field(description="The version that answers.")
    network: str = Field(description="best, or refit.")
    classes: list[Class] = Field(description="In the order of the probabilities.")
    limits: list[str] = Field(description="What must be known before an answer is believed.")
    calibrated: bool = Field(description="Whether a temperature was fitted on validation.")
    coverage: Share | None = Field(
        description="The share of images whose prediction set holds their class, as promised."
    )
    always_in_sets: list[str] = Field(
        description="Classes in every prediction set: validation showed too few of their lesions."
    )
    tells_unknown: bool = Field(description="Whether `may_be_unknown` is ever told.")
    explainer: str = Field(description="Which makes the maps.")
    operating_points: list[str] = Field(description="Of which thresholds were fitted.")
    similar: SimilarCases = Field(description="Whether similar cases are shown.")
    bounds: Bounds = Field(description="What a request may cost.")
    card: str = Field(description="The run's model card in Markdown; empty where it has none.")
    notice: Notice = NOTICE


class Health(BaseModel):
    """Say that the server answers."""

    status: Literal["ok"] = Field(description="ok: the network is loaded and its thread works.")
    waiting: int = Field(ge=0, description="Images that wait for the network.")
    notice: Notice = NOTICE
