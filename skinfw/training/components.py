"""Build what a run needs of its plan and its table: network, loss, sampler, images, evaluators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from skinfw.data.loader import Chain, EvalImages, Source, TrainImages, labels_of
from skinfw.data.masks import mask_function
from skinfw.data.preparation import make_view, recipe_decoding
from skinfw.data.table import class_counts, image_function, kept_part
from skinfw.evaluation.changed_images import ChangedImages, predict_changed
from skinfw.evaluation.evaluator import Evaluator
from skinfw.evaluation.inspection import inspect_images
from skinfw.evaluation.numbers import Metrics, check_select
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.guards.answers import check_class_weights, check_image, check_mask
from skinfw.guards.process import watch_dice
from skinfw.guards.tensors import (
    GuardedLoss,
    check_mix,
    check_optimizer,
    check_schedule,
    unchanged_network,
)
from skinfw.interfaces.protocols import CheckingExplainer, DecodedImages, NetworkWithLoss
from skinfw.interfaces.values import Change, Features, InspectedImages, Predictions
from skinfw.models.backbone import ALONE
from skinfw.models.batch_norm import recompute_statistics
from skinfw.models.feature_store import FeatureStore
from skinfw.models.features import map_features, penultimate_features
from skinfw.models.forward import in_batches
from skinfw.models.freezing import TRUNK
from skinfw.models.input_pipeline import FeaturePipeline, InputPipeline, PixelPipeline
from skinfw.models.modalities import ModalityData, describe_modalities
from skinfw.recipe.component import PlannedComponent, build_components
from skinfw.recipe.guard import Guard
from skinfw.recipe.plan import Plan
from skinfw.runtime.device import Hardware
from skinfw.runtime.seed import stream
from skinfw.training.cautions import warn_double_correction, warn_late_correction
from skinfw.training.checks import check_average, check_norm, check_pairs
from skinfw.training.network import Network, build_run_network
from skinfw.training.sampling import EpochSampler
from skinfw.training.teacher import Teacher, check_student
from skinfw.training.trainer import Loss, Trainer
from skinfw.training.xray import xray

Integers = npt.NDArray[np.integer[Any]]


class TrainingComponents:
    """Hold the built components of one run, checked before any of them works for hours."""

    @classmethod
    def build(
        cls,
        plan: Plan,
        rows: pd.DataFrame,
        hardware: Hardware,
        decoded: DecodedImages | None = None,
        say: Callable[[str], None] = print,
    ) -> TrainingComponents:
        """Build all but the optimizer and the schedule, which need the number of steps.

        rows: the table, with the column `part`.
        hardware: what the machine alone decides; the network decides what "auto" leaves open.
        decoded: images that need no decoding.
        say: told what a user must hear.
        """
        train = rows[rows["part"] == "train"]
        modalities = describe_modalities(plan, train)
        metrics = build_components(plan.components.metric, plan.classes)
        check_select(plan, metrics, modalities)
        network = build_run_network(plan, modalities, len(train), hardware)
        plan = replace(plan, train=replace(plan.train, batch_size=network.batch_size))
        return cls(plan, rows, metrics, network, decoded, say)

    def __init__(
        self,
        plan: Plan,
        rows: pd.DataFrame,
        metrics: Metrics,
        network: Network,
        decoded: DecodedImages | None,
        say: Callable[[str], None],
    ) -> None:
        """Keep what `build` made, and build what depends on it."""
        self.plan, self.table, self.metrics = plan, rows, metrics
        self.decoded, self.say = decoded, say
        self.model, self.frozen = network.model, network.frozen
        self.modalities, self.hardware = network.modalities, network.hardware
        components, classes = plan.components, plan.classes
        self.view = make_view(components.view, plan.image.size)
        self.decoding = recipe_decoding(plan.image, components.prepare)
        self.rows, self.labels, self.source = self._part(rows, "train")
        self.counts = list(class_counts(self.rows, classes).values())
        loss = components.loss
        function = loss.make(classes=classes, counts=list(self.counts))
        self.loss = GuardedLoss(function, partial(loss.guard, function))
        self.chains = {
            size: Chain([(op, op.make(size=size)) for op in components.augment], size)
            for size in {*plan.image.train_sizes, plan.image.size}
        }
        weighting, mix = components.weighting, components.mix
        self.weighting = build_components((weighting,) if weighting else (), classes)
        self.mix = build_components((mix,) if mix else (), classes)
        self.explainers = build_components(components.explainer, classes)
        self._check_explainers()
        self.reports = build_components(components.report, classes)
        self.teacher: Teacher | None = None
        if plan.teacher.answers:
            check_student(plan, self.model)
            scoring = ViewAveraging(self.counts, **components.view.host)
            self.teacher = Teacher(plan, self.rows, scoring, self.hardware.device)
        self.tracks = build_components(components.track, classes)

    def _check_explainers(self) -> None:
        """Let explainers look at the network hours before they are needed."""
        for component, explainer in self.explainers:
            if isinstance(explainer, CheckingExplainer):
                with component.guard(explainer.check), unchanged_network(self.model):
                    explainer.check(self.model)

    @cached_property
    def epoch_sampler(self) -> EpochSampler:
        """The sampler with all that it may ask for."""
        component = self.plan.components.sampler
        views = EvalImages(self.source, self.labels, self.view, first=True)

        def embeddings(indices: Any) -> npt.NDArray[np.float32]:
            return map_features(self.model, views, indices, self.eval_batch_size, self.hardware)

        return EpochSampler(
            component,
            component.make(),
            self.labels,
            tuple(self.rows["component"]),
            self.plan.classes,
            self.source,
            embeddings,
            self.plan.seed,
            self.hardware,
        )

    @cached_property
    def features(self) -> FeatureStore | None:
        """The features of the trunk, where it is frozen and every epoch shows the same images."""
        plan, cache = self.plan, self.plan.components.cache
        varied = plan.components.augment or plan.components.mix or plan.image.keep != "all"
        frozen = TRUNK in plan.train.freeze and not plan.train.unfreeze
        if not (cache and plan.engine.cache and frozen) or varied or self.modalities != ALONE:
            return None
        components = plan.components
        decide: list[PlannedComponent[Any]] = [components.dataset, components.backbone]
        decide += [components.view, *components.modify]
        about: list[Any] = [[component.table(), component.record()] for component in decide]
        about += [self.decoding.name, vars(plan.image)]
        keep = cache.wrap(cache.make().features)
        return FeatureStore(keep, components.backbone, self.model, about, self.hardware)

    @property
    def listeners(self) -> list[tuple[PlannedComponent[Any], object]]:
        """The objects that may have run hooks."""
        sampler = (self.epoch_sampler.component, self.epoch_sampler.sampler)
        return [sampler, *self.weighting, *self.tracks, *self.reports]

    def evaluator(self, part: str, first: bool = False) -> Evaluator:
        """Return the evaluator of one part of the data.

        first: whether the first view of each image is enough, as it is between epochs.
        """
        rows, labels, source = self._evaluated_part(part)
        # Remembered views cost nothing, so that all of them are looked at.
        images = EvalImages(source, labels, self.view, first and not self.features)
        pipeline: InputPipeline = PixelPipeline(images, self.hardware)
        if self.features:
            features = self.features.get(images, self.eval_batch_size, self.say)
            pipeline = FeaturePipeline(features, labels, self.hardware, views=True)
        view_averaging = ViewAveraging(self.counts, **self.plan.components.view.host)
        return Evaluator(
            rows,
            pipeline,
            self.plan.classes,
            self.loss,
            self.eval_batch_size,
            self.hardware,
            view_averaging,
            self.modality_data(rows),
            self._guard_network,
        )

    def modality_data(self, rows: pd.DataFrame) -> ModalityData:
        """Return what is known of some rows beside their images."""
        weight = self.plan.modalities.auxiliary_weight
        return ModalityData(self.modalities, weight, rows, self.hardware.device)

    def pictures(self, part: str) -> tuple[EvalImages, ModalityData]:
        """Return the images of one part of the data as it is evaluated, and their modalities."""
        rows, labels, source = self._evaluated_part(part)
        return EvalImages(source, labels, self.view, first=True), self.modality_data(rows)

    def features_of(self, part: str, places: Sequence[int] | None = None) -> Features:
        """Return what the last layer gets and gives for some images of one part of the data."""
        images, modalities = self.pictures(part)
        width, size = len(self.plan.classes), self.eval_batch_size
        return penultimate_features(
            self.model, images, modalities, width, size, self.hardware, places
        )

    def images_of(self, part: str, places: Sequence[int]) -> npt.NDArray[np.uint8]:
        """Return some images of one part of the data, as the network sees them first."""
        return self.pictures(part)[0].first_views(places)

    def predict_changed(
        self, part: str, places: Sequence[int], change: Change, *, views: str = "first"
    ) -> npt.NDArray[np.float64]:
        """Return what the network says of images whose pixels are changed, [M, K, C]."""
        rows, labels, source = self._evaluated_part(part)
        shown = ChangedImages(
            EvalImages(source, labels, self.view, first=views == "first"),
            self._mask,
            change,
        )
        return predict_changed(
            self.model,
            shown,
            places,
            len(self.plan.classes),
            self.eval_batch_size,
            self.hardware,
            ViewAveraging(self.counts, **self.plan.components.view.host),
            self.modality_data(rows),
            self._guard_network,
        )

    def inspect(
        self, predictions: Predictions, part: str, places: Sequence[int]
    ) -> Iterator[InspectedImages]:
        """Yield images of one part with the network that looks at them.

        predictions: of that part.
        places: positions of the images.
        """
        images, modalities = self.pictures(part)
        return inspect_images(
            self.model, images, self._mask, predictions, places, self.hardware, modalities
        )

    @property
    def _mask(self) -> Callable[[str], npt.NDArray[np.bool_] | None] | None:
        """What makes masks, in the name of its data set; None where it knows none."""
        mask = mask_function(self.plan.dataset)
        return mask and self.plan.components.dataset.wrap(mask, check_mask)

    def trainer(self, states: Path, weights: Path, hooks: Any, validates: bool = True) -> Trainer:
        """Return the trainer, ready to fit.

        states: the folder of its states.
        weights: the file of the weights that it keeps.
        hooks: the run's hooks.
        validates: whether the validation part chooses the epoch; else the last one is kept.
        """
        plan = self.plan
        check_average(plan)
        check_norm(plan)
        check_pairs(plan, self.epoch_sampler.draw(1), self.model, self.modalities)
        images = TrainImages(self.source, self.labels, self._chain, self.view, plan.seed)
        self._try_dice(images)
        pipeline: InputPipeline = PixelPipeline(images, self.hardware)
        if self.features:
            views = EvalImages(self.source, self.labels, self.view, first=True)
            features = self.features.get(views, self.eval_batch_size, self.say)
            pipeline = FeaturePipeline(features, self.labels, self.hardware, views=False)
        return Trainer(
            settings=plan.train,
            seed=plan.seed,
            model=self.model,
            frozen=self.frozen,
            make_optimizer=self._make_optimizer,
            make_schedule=self._make_schedule,
            class_weight=self._class_weight,
            check_loss=self.loss.check_finite,
            loss_memory=self.loss.memory,
            guard=self._guard,
            mix=self._mix,
            epoch_sampler=self.epoch_sampler,
            pipeline=pipeline,
            recompute_statistics=self._recompute_statistics,
            modalities=self.modality_data(self.rows),
            validator=self.evaluator(plan.train.validation, first=True) if validates else None,
            metrics=self.metrics,
            hardware=self.hardware,
            sync_norm=plan.engine.sync_batch_norm and self.hardware.world > 1,
            states=states,
            weights=weights,
            hooks=hooks,
            about={
                "backbone": plan.components.backbone.use,
                "classes": ",".join(plan.classes),
                "size": str(plan.image.size),
            },
            save_minutes=plan.engine.save_minutes,
        )

    def _guard(self, kind: str) -> Guard:
        """Return the guard of the component of a kind."""
        component = getattr(self.plan.components, kind)
        return self._guard_network() if kind == "backbone" else component.guard()

    def _guard_network(self) -> Guard:
        """Return the guard of the network, which blames the change that an error comes from."""
        components = self.plan.components
        return Guard(components.backbone, others=components.modify)

    def _try_dice(self, images: TrainImages) -> None:
        """Make two images while no thread works beside, so that it shows who throws others' dice.

        In threads it would not: the dice of Python and numpy do not tell who threw them.
        """
        components, draw = self.plan.components, self.epoch_sampler.draw(1)
        with watch_dice():
            if components.prepare and self.decoded:  # which prepared its images before
                self.decoding.read(self.source.paths[int(draw.indices[0])])
            if components.prepare or components.augment:
                indices = draw.indices[:2].tolist()
                copies = draw.indices * 0 if draw.copies is None else draw.copies
                images.batch([(1, at, index, bool(copies[at])) for at, index in enumerate(indices)])

    def _recompute_statistics(self, model: torch.nn.Module) -> None:
        """Set the statistics of batch normalisation of a network to those of the training part.

        model: of other weights than the one that learns; what is frozen there stays.
        """
        names = [name for name, own in self.model.named_modules() if own.training]
        cut = [own for own in in_batches(len(self.rows), self.eval_batch_size) if len(own) > 1]
        recompute_statistics(
            model,
            names,
            PixelPipeline(EvalImages(self.source, self.labels, self.view, True), self.hardware),
            cut[: self.plan.train.limit_batches or None],
            self.hardware,
            self.modality_data(self.rows).inputs,
        )

    def cautions(self, trainer: Trainer) -> list[str]:
        """Return what is wrong with sampler, weighting and schedule taken together.

        trainer: from `trainer`.
        """
        if not self.weighting:
            return []
        weights, drawn = self._weights(), [entry["drawn"] for entry in self.xray()]
        said = [warn_double_correction(self.plan.classes, self.counts, drawn, weights[-1])]
        if (weights != weights[0]).any():
            said.append(warn_late_correction(weights, trainer.rates()))
        return [text for text in said if text]

    def xray(self) -> list[dict[str, Any]]:
        """Return what sampler and weighting will make of each class."""
        return xray(self.rows, self.plan.classes, self.epoch_sampler.draw(1), self._weights())

    def _make_optimizer(self, model: torch.nn.Module) -> torch.optim.Optimizer:
        component = self.plan.components.optimizer
        with component.guard(), unchanged_network(model):
            return check_optimizer(component.make(model=model), model)

    def _make_schedule(self, optimizer: torch.optim.Optimizer, steps: int, epochs: int) -> Any:
        component = self.plan.components.schedule
        with component.guard():
            made = component.make(optimizer=optimizer, steps=steps, epochs=epochs)
            return check_schedule(made, optimizer)

    def _weights(self) -> npt.NDArray[np.float64]:
        """Return the weights of the classes in each epoch, [E, C]; ones without a weighting."""
        weights = [self._class_weight(epoch + 1) for epoch in range(self.plan.train.epochs)]
        alike = np.ones(len(self.plan.classes))
        return np.stack([alike if one is None else one.double().numpy() for one in weights])

    def _chain(self, epoch: int) -> Chain:
        """Return the augmentation at the size of an epoch."""
        return self.chains[self.plan.image.train_size(epoch, self.plan.train.epochs)]

    @property
    def eval_batch_size(self) -> int:
        """Images per batch where nothing is learned."""
        return self.plan.engine.eval_batch_size or 2 * int(self.plan.train.batch_size)

    def _class_weight(self, epoch: int) -> torch.Tensor | None:
        for component, weighting in self.weighting:
            with component.guard(weighting.weights):
                weights = weighting.weights(list(self.counts), epoch, self.plan.train.epochs)
                return torch.tensor(check_class_weights(weights, len(self.counts)))
        return None

    def _mix(
        self, images: torch.Tensor, rows: torch.Tensor, step: int
    ) -> tuple[torch.Tensor, Loss, Loss]:
        """Return a batch to train on, its loss, and what counts the images called rightly.

        Each step and process has its own stream.
        """
        loss, right = self._loss_of(rows), _count_right
        for component, mix in self.mix:
            with component.guard(mix.mix):
                rng = stream(self.plan.seed, "mix", step, self.hardware.rank)
                images, order, share = check_mix(mix.mix(images, rng), images)
            others = self._loss_of(rows[order.to(rows.device)]) if self.teacher else loss
            loss = partial(_of_both, loss, others, order, share)
            right = partial(_of_both, right, right, order, share)
        return images, loss, right

    def _loss_of(self, rows: torch.Tensor) -> Loss:
        """Return the loss of some images of the training part."""
        loss: Loss = self.loss
        if isinstance(self.model, NetworkWithLoss):
            loss = partial(self.model.training_loss, loss)
        return self.teacher.loss_of(loss, rows) if self.teacher else loss

    def _evaluated_part(self, part: str) -> tuple[pd.DataFrame, Integers, Source]:
        """Return what is evaluated of one part: all of it, or some for a quick look."""
        rows, labels, source = self._part(self.table, part)
        if limit := self.plan.train.limit_eval_batches:
            # Evenly over the part, so that a quick look sees all sources.
            wanted = limit * self.eval_batch_size
            some = rows.iloc[:: max(1, len(rows) // wanted)].head(wanted)
            rows, labels, source = self._part(some, part)
        return rows, labels, source

    def _part(self, table: pd.DataFrame, part: str) -> tuple[pd.DataFrame, Integers, Source]:
        """Return the rows, labels and images of one part."""
        rows = table[table["part"] == part].reset_index(drop=True)
        draw = image_function(self.plan.dataset)
        if draw is not None:
            draw = self.plan.components.dataset.wrap(draw, check_image)
        pictures = self.plan.modalities.pictures
        keep = kept_part(self.plan.image, self.plan.dataset, self.plan.components.dataset)
        source = Source.of(rows, draw, self.decoding, self.decoded, pictures, keep)
        return rows, labels_of(rows, self.plan.classes), source


def _count_right(
    logits: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor | None
) -> torch.Tensor:
    """Return how many of the images are called by their label.

    An image with several rows of logits, sample by sample, counts by the share of them; a pair has
    one row and counts for both of its images, by the label of the first.
    """
    samples = max(1, len(logits) // len(targets))
    true = targets[: len(logits)].repeat(samples)
    return (logits.argmax(1) == true).sum() * len(targets) / len(true)


def _of_both(
    loss: Loss,
    loss_of_others: Loss,
    order: torch.Tensor,
    share: float,
    logits: torch.Tensor,
    targets: torch.Tensor,
    weight: torch.Tensor | None,
) -> torch.Tensor:
    """Return the loss of mixed images, or how many are right: by their own and others' labels."""
    others = loss_of_others(logits, targets[order], weight)
    return share * loss(logits, targets, weight) + (1 - share) * others
