"""Build what a run needs from its plan and its table: network, loss, sampler, loaders, judges."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from skinfw.data.cache import DecodedImages
from skinfw.data.loader import Chain, EvalImages, Source, TrainImages, labels_of
from skinfw.data.preparation import recipe_decoding
from skinfw.data.table import image_function
from skinfw.evaluation.evaluator import Evaluator
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.interfaces.values import Features
from skinfw.models.autotune import autotune
from skinfw.models.backbone import ALONE, build_network, try_network
from skinfw.models.feature_store import FeatureStore
from skinfw.models.features import penultimate_features
from skinfw.models.freezing import TRUNK, freeze
from skinfw.models.input_pipeline import FeaturePipeline, InputPipeline, PixelPipeline
from skinfw.models.modalities import ModalityData, describe_modalities
from skinfw.recipe.component import PlannedComponent
from skinfw.recipe.plan import Plan
from skinfw.runtime.device import Hardware
from skinfw.runtime.seed import stream, torch_seed
from skinfw.training.cautions import warn_double_correction, warn_late_correction
from skinfw.training.checks import check_pairs, check_select
from skinfw.training.sampling import EpochSampler, embed
from skinfw.training.trainer import Loss, Trainer
from skinfw.training.xray import xray

Integers = npt.NDArray[np.integer[Any]]
Pairs = list[tuple[PlannedComponent, Any]]


class TrainingComponents:
    """Hold the built components of one run, checked before any of them works for hours."""

    def __init__(
        self,
        plan: Plan,
        table: pd.DataFrame,
        hardware: Hardware,
        decoded: DecodedImages | None = None,
        cache: Path | None = None,
        say: Callable[[str], None] = print,
    ) -> None:
        """Build all but the optimizer and the schedule, which need the number of steps.

        table: with the column `part`.
        hardware: what "auto" leaves open is settled here, on the network.
        decoded: images that need no decoding.
        cache: where features of a frozen network are kept; None keeps none.
        say: told what a user must hear.
        """
        self.plan, self.table, self.hardware = plan, table, hardware
        self.decoded, self.cache, self.say = decoded, cache, say
        self.view = plan.one("view").make(size=plan.image.size)
        self.decoding = recipe_decoding(plan.image, plan.parts.get("prepare", ()))
        self.modalities = describe_modalities(plan, table[table["part"] == "train"])
        self.metrics = self._all("metric")
        check_select(plan, self.metrics, self.modalities)
        self.rows, self.labels, self.source = self._part(table, "train")
        self.counts = [int((self.labels == index).sum()) for index in range(len(plan.classes))]
        self.model = self._backbone()
        self.frozen = freeze(
            self.model, plan.train.freeze, plan.recipe.origin("train", "freeze").text
        )
        self.hardware = self._settled()
        loss = plan.one("loss")
        self.loss = loss.wrap(loss.make(classes=plan.classes, counts=self.counts))
        augment = plan.parts.get("augment", ())
        self.chains = {
            size: Chain([(component, component.make(size=size)) for component in augment], size)
            for size in {*plan.image.train_sizes, plan.image.size}
        }
        self.weighting = self._all("weighting")
        self.mix = self._all("mix")
        self.explainers = self._all("explainer")
        self.reports = self._all("report")
        self.tracks = self._all("track")

    def _all(self, kind: str) -> Pairs:
        component = self.plan.parts.get(kind, ())
        return [(part, part.make(classes=self.plan.classes)) for part in component]

    @cached_property
    def drawer(self) -> EpochSampler:
        """The sampler with all that it may ask for."""
        component = self.plan.one("sampler")
        views = EvalImages(self.source, self.labels, self.view, first=True)

        def embeddings(indices: Any) -> npt.NDArray[np.float32]:
            return embed(self.model, views, indices, self._eval_batch, self.hardware)

        return EpochSampler(
            component,
            component.make(),
            self.labels,
            self.plan.classes,
            self.source,
            embeddings,
            self.plan.seed,
            self.hardware,
        )

    @cached_property
    def features(self) -> FeatureStore | None:
        """The features of the trunk, where it is frozen and every epoch shows the same images."""
        plan = self.plan
        varied = plan.parts.get("augment") or plan.parts.get("mix")
        frozen = TRUNK in plan.train.freeze and not plan.train.unfreeze
        if not self.cache or not frozen or varied or self.modalities != ALONE:
            return None
        parts = [plan.one(kind) for kind in ("dataset", "backbone", "view")]
        parts += plan.parts.get("modify", ())
        about: list[Any] = [[part.table(), part.record()] for part in parts]
        about += [self.decoding.name, vars(plan.image)]
        return FeatureStore(self.cache / "features", self.model, about, self.hardware)

    def _settled(self) -> Hardware:
        """Return the hardware with what only the network can tell."""
        plan, hardware = self.plan, self.hardware
        size, batch = plan.image.train_size(1, 1), plan.train.batch_size
        steps = plan.train.epochs * len(self.rows) // batch
        recorded = (plan.recipe.replays or {}).get("hardware")
        images = batch // hardware.world * (2 if getattr(self.model, "takes_pairs", False) else 1)
        shape = (images, size)
        return autotune(self.model, plan.engine, shape, steps, hardware, recorded, self.modalities)

    @property
    def listeners(self) -> Pairs:
        """The objects that may have run hooks."""
        sampler = (self.drawer.component, self.drawer.sampler)
        return [sampler, *self.weighting, *self.tracks, *self.reports]

    def judge(self, part: str, first: bool = False) -> Evaluator:
        """Return the evaluator of one part of the data.

        first: whether the first view of each image is enough, as it is between epochs.
        """
        rows, labels, source = self._shown(part)
        # Remembered views cost nothing, so that all of them are looked at.
        images = EvalImages(source, labels, self.view, first and not self.features)
        feed: InputPipeline = PixelPipeline(images, self.hardware)
        if self.features:
            found = self.features.get(images, self._eval_batch, self.say)
            feed = FeaturePipeline(found, labels, self.hardware, views=True)
        scoring = ViewAveraging(self.counts, **self.plan.one("view").host)
        return Evaluator(
            rows,
            feed,
            self.plan.classes,
            self.loss,
            self._eval_batch,
            self.hardware,
            scoring,
            self.beside(rows),
        )

    def beside(self, rows: pd.DataFrame) -> ModalityData:
        """Return what is known of some rows beside their images."""
        weight = self.plan.modalities.auxiliary_weight
        return ModalityData(self.modalities, weight, rows, self.hardware.device)

    def pictures(self, part: str) -> tuple[EvalImages, ModalityData]:
        """Return the images of one part of the data as it is judged, and what stands beside."""
        rows, labels, source = self._shown(part)
        return EvalImages(source, labels, self.view, first=True), self.beside(rows)

    def features_of(self, part: str) -> Features:
        """Return what the last layer gets and gives for one part of the data."""
        images, beside = self.pictures(part)
        width = len(self.plan.classes)
        return penultimate_features(
            self.model, images, beside, width, self._eval_batch, self.hardware
        )

    def training(self, folder: Path, hooks: Any) -> Trainer:
        """Return the training, ready to fit.

        folder: the run folder.
        hooks: the run's hooks.
        """
        plan = self.plan
        check_pairs(plan, self.drawer.draw(1), self.model, self.modalities)
        images = TrainImages(self.source, self.labels, self._chain, self.view, plan.seed)
        feed: InputPipeline = PixelPipeline(images, self.hardware)
        if self.features:
            views = EvalImages(self.source, self.labels, self.view, first=True)
            found = self.features.get(views, self._eval_batch, self.say)
            feed = FeaturePipeline(found, self.labels, self.hardware, views=False)
        return Trainer(
            settings=plan.train,
            seed=plan.seed,
            model=self.model,
            frozen=self.frozen,
            make_optimizer=lambda model: plan.one("optimizer").make(model=model),
            make_schedule=lambda optimizer, steps, epochs: plan.one("schedule").make(
                optimizer=optimizer, steps=steps, epochs=epochs
            ),
            class_weight=self._class_weight,
            mix=self._mix,
            drawer=self.drawer,
            feed=feed,
            beside=self.beside(self.rows),
            validator=self.judge(plan.train.validation, first=True),
            metrics=self.metrics,
            hardware=self.hardware,
            folder=folder,
            hooks=hooks,
            about={
                "backbone": plan.one("backbone").use,
                "classes": ",".join(plan.classes),
                "size": str(plan.image.size),
            },
            save_minutes=plan.engine.save_minutes,
        )

    def cautions(self, training: Trainer) -> list[str]:
        """Return what is wrong with sampler, weighting and schedule taken together.

        training: from `training`.
        """
        if not self.weighting:
            return []
        weights, drawn = self._weights(), [entry["drawn"] for entry in self.xray()]
        said = [warn_double_correction(self.plan.classes, self.counts, drawn, weights[-1])]
        if (weights != weights[0]).any():
            said.append(warn_late_correction(weights, training.rates()))
        return [text for text in said if text]

    def xray(self) -> list[dict[str, Any]]:
        """Return what sampler and weighting will make of each class."""
        return xray(self.rows, self.plan.classes, self.drawer.draw(1), self._weights())

    def _weights(self) -> npt.NDArray[np.float64]:
        """Return the weights of the classes in each epoch, [E, C]; ones without a weighting."""
        found = [self._class_weight(epoch + 1) for epoch in range(self.plan.train.epochs)]
        alike = np.ones(len(self.plan.classes))
        return np.stack([alike if one is None else one.double().numpy() for one in found])

    def _chain(self, epoch: int) -> Chain:
        """Return the augmentation at the size of an epoch."""
        return self.chains[self.plan.image.train_size(epoch, self.plan.train.epochs)]

    @property
    def _eval_batch(self) -> int:
        return self.plan.engine.eval_batch_size or 2 * self.plan.train.batch_size

    def _class_weight(self, epoch: int) -> torch.Tensor | None:
        for component, weighting in self.weighting:
            with component.guard():
                weights = weighting.weights(self.counts, epoch, self.plan.train.epochs)
                return torch.as_tensor(weights, dtype=torch.float32)
        return None

    def _mix(self, images: torch.Tensor, step: int) -> tuple[torch.Tensor, Loss]:
        """Return a batch to train on, and its loss; each step and process has its own stream."""
        loss = self.loss
        if own := getattr(self.model, "training_loss", None):
            loss = partial(own, loss)
        for component, mix in self.mix:
            with component.guard():
                rng = stream(self.plan.seed, "mix", step, self.hardware.rank)
                images, order, share = mix.mix(images, rng)
            loss = partial(_of_both, loss, order, float(share))
        return images, loss

    def _shown(self, part: str) -> tuple[pd.DataFrame, Integers, Source]:
        """Return what is judged of one part: all of it, or some for a quick look."""
        rows, labels, source = self._part(self.table, part)
        if limit := self.plan.train.limit_eval_batches:
            # Evenly over the part, so that a quick look sees all sources.
            wanted = limit * self._eval_batch
            some = rows.iloc[:: max(1, len(rows) // wanted)].head(wanted)
            rows, labels, source = self._part(some, part)
        return rows, labels, source

    def _part(self, table: pd.DataFrame, part: str) -> tuple[pd.DataFrame, Integers, Source]:
        """Return the rows, labels and images of one part."""
        rows = table[table["part"] == part].reset_index(drop=True)
        draw = image_function(self.plan.dataset)
        if draw is not None:
            draw = self.plan.one("dataset").wrap(draw)
        pictures = self.plan.modalities.pictures
        source = Source.of(rows, draw, self.decoding, self.decoded, pictures)
        return rows, labels_of(rows, self.plan.classes), source

    def _backbone(self) -> torch.nn.Module:
        """Build the network under its own seed, and try it on one black image."""
        plan, hardware, component = self.plan, self.hardware, self.plan.one("backbone")
        torch.manual_seed(torch_seed(plan.seed, "init"))
        size = plan.image.size
        changes = plan.parts.get("modify", ())
        model = build_network(component, changes, plan.classes, size, self.modalities)
        try_network(component, model, (len(plan.classes), size), self.modalities, hardware)
        if plan.parts.get("explainer"):
            with component.guard():
                model.get_submodule(str(model.cam_layer))
        return model


def _of_both(
    loss: Loss,
    order: torch.Tensor,
    share: float,
    logits: torch.Tensor,
    targets: torch.Tensor,
    weight: torch.Tensor | None,
) -> torch.Tensor:
    """Return the loss of mixed images: that of their own labels, and that of the others'."""
    others = loss(logits, targets[order], weight)
    return share * loss(logits, targets, weight) + (1 - share) * others
