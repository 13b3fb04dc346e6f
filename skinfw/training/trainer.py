"""The training loop.

Everything random is a function of seed, epoch and batch, so that a run that stops anywhere goes
on exactly as if it had not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from skinfw.data.loader import Batch, Loader, Share, batches
from skinfw.errors import AnswerError, SkinfwError
from skinfw.evaluation.evaluator import Evaluator, NotFiniteError
from skinfw.evaluation.numbers import RESERVED, Metrics, Names, compute_metrics, refuse_nan
from skinfw.guards.tensors import check_rates, check_training_logits
from skinfw.interfaces.hooks import run_hooks
from skinfw.interfaces.protocols import StatefulLoss
from skinfw.models.backbone import listens_to_progress, report_progress
from skinfw.models.freezing import FrozenLayers
from skinfw.models.input_pipeline import InputPipeline
from skinfw.models.modalities import ModalityData
from skinfw.models.synchronised_norm import synchronised_norm
from skinfw.recipe.settings import TrainSettings
from skinfw.runtime.device import Hardware
from skinfw.runtime.failures import explain_memory
from skinfw.runtime.seed import torch_seed
from skinfw.runtime.signals import StopSignals
from skinfw.training.checkpoint import FILES, load_state, save_weights
from skinfw.training.divergence import Tracer
from skinfw.training.ema import ExponentialMovingAverage
from skinfw.training.gradient_sharing import share_gradients
from skinfw.training.keeper import Progress, Record, StateKeeper
from skinfw.training.sampling import EpochSampler
from skinfw.training.state import CURE, check_alike, check_moments, check_network, restoring
from skinfw.training.swa import StochasticWeightAverage

AGREE_BATCHES = 8
SOME_EPOCHS = 3
Loss = Callable[..., torch.Tensor]


@dataclass
class Trainer:
    """Train a network; hold what that needs.

    settings: the recipe's [train] table.
    model: on its device already.
    frozen: what of it does not learn, or not from the start.
    make_optimizer, make_schedule: build them, given the model, the steps and the epochs.
    class_weight: epoch -> class weights [C], or None.
    mix: (images, rows, step) -> the images to train on, their loss, and how many of them are called
        rightly, both of logits, targets and class weights.
    check_loss: raises where the loss itself is to blame for what is not finite.
    loss_memory: what the loss remembers of earlier batches; None where it remembers nothing.
    guard: names the component of a kind in whatever is raised inside.
    recompute_statistics: sets those of batch normalisation to what training images give.
    modalities: what is known of the training part beside its images.
    validator: chooses the epoch whose weights are kept; None keeps those of the last.
    sync_norm: whether batch normalisation takes the images of all processes.
    states: the folder of the states, from which a stopped training goes on.
    weights: the file of the weights that are kept.
    about: texts to keep with the weights.
    """

    settings: TrainSettings
    seed: int
    model: torch.nn.Module
    frozen: FrozenLayers
    make_optimizer: Callable[[torch.nn.Module], torch.optim.Optimizer]
    make_schedule: Callable[[torch.optim.Optimizer, int, int], Any]
    class_weight: Callable[[int], torch.Tensor | None]
    mix: Callable[[torch.Tensor, torch.Tensor, int], tuple[torch.Tensor, Loss, Loss]]
    check_loss: Callable[[], None]
    loss_memory: StatefulLoss | None
    guard: Callable[[str], AbstractContextManager[None]]
    epoch_sampler: EpochSampler
    pipeline: InputPipeline
    recompute_statistics: Callable[[torch.nn.Module], None]
    modalities: ModalityData
    validator: Evaluator | None
    metrics: Metrics
    hardware: Hardware
    sync_norm: bool
    states: Path
    weights: Path
    hooks: Any
    about: Mapping[str, str]
    save_minutes: float
    at: Progress = field(default_factory=Progress)
    names: Names = field(default_factory=dict)
    first: Mapping[str, Any] = field(default_factory=dict)
    tracer: Tracer | None = None

    def fit(self, stop: StopSignals, state: Mapping[str, Any] | None = None) -> bool:
        """Train to the end, or until a signal asks to stop.

        stop: the signals.
        state: from `load_state`, to go on with a stopped run.
        Returns whether the training is complete; if not, the last state holds the rest.
        """
        if not state:  # where a training that diverges in its first epoch can be repeated from
            weights = self.model.state_dict().items()
            self.first = {name: own.detach().clone() for name, own in weights}
        self._set_up(state)
        with explain_memory("train.batch_size", self.batch_size), self.keeper.rescue(stop):
            while self.at.epoch <= self.settings.epochs and not self._out_of_patience():
                if not self._epoch(stop):
                    return False
        return True

    @property
    def batch_size(self) -> int:
        """Images per batch of all processes; nothing is "auto" any more."""
        return int(self.settings.batch_size)

    def rates(self) -> list[float]:
        """Return the learning rate at the beginning of each epoch, without training."""
        optimizer = self.make_optimizer(self.model)
        schedule, steps = self._schedule(optimizer)
        rates = []
        optimizer.step()  # without gradients: torch wants a step before the schedule's first
        for step in range(steps):
            if step % (steps // self.settings.epochs) == 0:
                rates.append(float(optimizer.param_groups[0]["lr"]))
            if step < steps - 1:
                schedule.step()
        return rates

    def _schedule(self, optimizer: torch.optim.Optimizer) -> tuple[Any, int]:
        """Return the schedule, and how often it is stepped in the whole training."""
        steps_per_epoch = -(-len(self._batches(1)) // self.settings.accumulate)
        total = steps_per_epoch * self.settings.epochs
        return self.make_schedule(optimizer, total, self.settings.epochs), total

    def _set_up(self, state: Mapping[str, Any] | None) -> None:
        """Build optimizer, schedule, EMA and scaler, and set them to where the run was."""
        hardware, settings = self.hardware, self.settings
        if settings.unfreeze:
            self.frozen.release()  # so that the optimizer knows the weights that learn later
        self.optimizer = self.make_optimizer(self.model)
        self.schedule, self.total_steps = self._schedule(self.optimizer)
        self.ema = ExponentialMovingAverage(self.model, settings.ema) if settings.ema else None
        self.swa: StochasticWeightAverage | None = None
        if settings.swa:
            self.swa = StochasticWeightAverage(self.model, settings.swa, settings.epochs)
        average = self.ema or self.swa
        self.scaler = torch.amp.GradScaler(
            hardware.device.type, enabled=hardware.precision == "fp16"
        )
        if state:
            self._restore(state, average.model if average else None)
        parts = {"optimizer": self.optimizer, "schedule": self.schedule, "scaler": self.scaler}
        if self.loss_memory:
            parts["loss"] = self.loss_memory
        states, kept = self.states if hardware.main else None, average.model if average else None
        self.keeper = StateKeeper(states, self.model, kept, parts, self.save_minutes)
        self._thawed = False
        self.frozen.hold()
        self._parallelise()
        self.to_input = self.pipeline.to_input(self.model)
        self.classes = len(self.epoch_sampler.classes)
        self.width = self.classes + self.modalities.outputs
        self.scheduled = listens_to_progress(self.model)
        self.loader = Loader(self.pipeline.images, hardware)

    def _restore(self, state: Mapping[str, Any], average: torch.nn.Module | None) -> None:
        """Set everything to where the run was.

        average: the network with averaged weights, if there is one.
        """
        file = self.states / FILES[0]
        check_network(self.model.state_dict(), state["model"], "model", file)
        check_alike(self.schedule.state_dict(), state["schedule"], "schedule", file)
        check_alike(self.scaler.state_dict(), state["scaler"], "scaler", file)
        groups = {"param_groups": self.optimizer.state_dict()["param_groups"], "state": {}}
        check_alike(groups, state["optimizer"], "optimizer", file)
        check_moments(self.optimizer, state["optimizer"]["state"], file)
        with restoring(file):
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.scaler.load_state_dict(state["scaler"])
            if self.loss_memory:
                self.loss_memory.load_state_dict(state.get("loss", {}))
        if average:
            check_network(average.state_dict(), state["ema"], "ema", file)
            average.load_state_dict(state["ema"])
        known = {own.name for own in fields(Progress)}
        self.at = Progress(**{key: own for key, own in state["progress"].items() if key in known})
        for own in self.at.history:
            own.setdefault("train_accuracy", math.nan)  # the epochs of an older skinfw have none
        chooses = self.validator and self.at.history
        if chooses and self.settings.select not in self.at.history[0]:
            why = f"its epochs have no {self.settings.select}, by which the run chooses"
            raise SkinfwError("the state does not fit the run", str(file), why, CURE)

    def _parallelise(self) -> None:
        """Wrap the network; gradients that processes share must be known beforehand."""
        self.parallel = self.pipeline.network(self.model)
        if self.hardware.compiled:
            self.parallel = torch.compile(self.parallel)  # type: ignore[assignment]
        self.parallel = share_gradients(self.parallel, self.hardware)

    def _thaw(self) -> None:
        """Let what was frozen learn from its epoch on."""
        if self.settings.unfreeze and self.at.epoch >= self.settings.unfreeze and not self._thawed:
            self._thawed = True
            self.frozen.release()
            self._parallelise()

    def _batches(self, epoch: int) -> list[Share]:
        """Return this process's share of each batch of an epoch."""
        draw = self.epoch_sampler.draw(epoch)
        size, hardware = self.batch_size, self.hardware
        cut = batches(draw, epoch, size, hardware.rank, hardware.world)
        if not cut:
            with self.guard("sampler"):
                came = f"drew {len(draw.indices)} images, which make no batch"
                raise AnswerError(came, "a batch needs two images per process")
        return cut[: self.settings.limit_batches or None]

    def _epoch(self, stop: StopSignals) -> bool:
        """Train and validate one epoch; False where a signal came."""
        at, hardware = self.at, self.hardware
        cut = self._batches(at.epoch)
        weight = self.class_weight(at.epoch)
        weight = None if weight is None else weight.to(hardware.device, torch.float32)
        images = sum(share.images for share in cut)
        self.hooks.epoch_start(
            epoch=at.epoch, epochs=self.settings.epochs, steps=len(cut), images=images
        )
        self._thaw()
        self.model.train()
        if not self._thawed:
            self.frozen.hold()
        if not at.batch:
            at.lr = float(self.optimizer.param_groups[0]["lr"])
        # MPS has no float64.
        precise = torch.float32 if hardware.device.type == "mps" else torch.float64
        total = torch.tensor([at.loss, at.right], dtype=precise, device=hardware.device)
        with stop.wait():
            if not self._train(cut, weight, total, stop):
                return False
        loss, accuracy = (own / at.images for own in total.tolist())
        self._finish(loss, accuracy, stop)
        return not self._agree(stop())

    def _train(
        self,
        cut: Sequence[Share],
        weight: torch.Tensor | None,
        total: torch.Tensor,
        stop: StopSignals,
    ) -> bool:
        """Do the batches of an epoch that are left; False where a signal came.

        cut: all its batches.
        total: the sums of its losses and of the images called rightly, [2], which grow.
        """
        at, settings, hardware = self.at, self.settings, self.hardware
        started = time.perf_counter() - at.seconds
        left = cut[at.batch :]
        loaded = self.loader.load([share.keys for share in left])
        for share, batch in zip(left, loaded, strict=True):
            group = at.batch // settings.accumulate * settings.accumulate
            members = min(settings.accumulate, len(cut) - group)
            boundary = at.batch + 1 == group + members
            loss, right = self._gradients(batch, weight, members / share.weight, boundary)
            sums = self._sums(loss.to(total.dtype), right, share)
            with self.keeper.change(at, total if boundary else None):
                if boundary:
                    self._step(at.batch + 1 == len(cut))
                at.batch += 1
                at.step += 1
                at.images += share.images
                at.seconds = time.perf_counter() - started
                total += sums
            self.hooks.step_end(step=at.batch, images=share.images, loss=loss)
            # Agreeing makes the devices wait for each other, so not after every batch.
            last = at.batch == len(cut)
            agreed = hardware.world == 1 or at.batch % AGREE_BATCHES == 0 or last
            stopping = agreed and self._agree(stop())
            if boundary and (stopping or (self.keeper.overdue and not last)):
                self._check(float(total[0]))  # a state that diverged must not replace a good one
                self._save()
                if stopping:
                    return False
        return True

    def _gradients(
        self,
        batch: Batch,
        weight: torch.Tensor | None,
        parts: float,
        boundary: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the gradients of one batch; return its loss, and how many images it calls rightly.

        parts: by which the loss is divided, so that gradients are means over all images of a step
            of the optimizer.
        """
        hardware = self.hardware
        if self.scheduled:
            whole = (self.at.epoch - 1) * (self.total_steps // self.settings.epochs)
            done = whole + self.at.batch // self.settings.accumulate
            self.at.numbers = report_progress(self.model, done / max(1, self.total_steps - 1))
        torch.manual_seed(torch_seed(self.seed, "train", hardware.rank, self.at.step))
        targets = batch.targets.to(hardware.device, non_blocking=True)
        known = self.modalities.inputs(batch.rows)
        waiting = isinstance(self.parallel, DistributedDataParallel) and not boundary
        with self.parallel.no_sync() if waiting else nullcontext():  # type: ignore[operator]
            inputs = self.to_input(batch.images)
            images, loss_of, right_of = self.mix(inputs, batch.rows, self.at.step)
            if self.tracer:
                self.tracer.batch = [self.epoch_sampler.source.ids[int(row)] for row in batch.rows]
                self.tracer.input(inputs, images)
            normal = synchronised_norm(self.sync_norm)
            with hardware.autocast(), normal, self.guard("backbone"):
                answer = self.parallel(images, *known)
                logits = check_training_logits(answer, len(images), self.width)
            loss = loss_of(logits[:, : self.classes], targets, weight)
            right = right_of(logits[:, : self.classes].detach(), targets, weight)
            loss = loss + self.modalities.loss(logits, batch.rows)
            if self.tracer:
                self.tracer.loss(logits, loss, None if weight is None else weight[targets])
            with self.guard("loss"):
                self.scaler.scale(loss / parts).backward()  # type: ignore[no-untyped-call]
        if boundary and self.tracer:
            self.tracer.gradients()
        return loss.detach(), right

    def _step(self, last: bool) -> None:
        """Step the optimizer, at the end of an accumulation group, and all that follows it.

        last: whether it is the last step of the epoch.
        """
        if self.settings.clip_norm:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
        with self.guard("optimizer"):
            self.scaler.step(self.optimizer)
            self.scaler.update()
            if self.tracer:
                self.tracer.weights()
            self.optimizer.zero_grad(set_to_none=True)
        if self.schedule.last_epoch < self.total_steps - 1:
            with self.guard("schedule"):
                self.schedule.step()
                check_rates(self.optimizer)
        if self.ema:
            self.ema.update((self.at.step + 1) // self.settings.accumulate)
        if self.swa and last:
            self.swa.update(self.at.epoch)

    def _finish(self, train_loss: float, train_accuracy: float, stop: StopSignals) -> None:
        """Validate an epoch, keep its weights if they are the best, and save."""
        at, settings = self.at, self.settings
        self._check(train_loss)
        model = self._evaluated_network()
        validated = self._validate(model)
        record: Record = {
            "epoch": at.epoch,
            "lr": at.lr,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            **validated,
            **at.numbers,
            "seconds": round(at.seconds, 3),
            "images_per_second": round(at.images / max(at.seconds, 1e-9), 2),
        }
        with stop.wait():
            history = [*at.history, record]
            if self._kept_epoch(history) == at.epoch and self.hardware.main:
                save_weights(self.weights, model, self.about)
            with self.keeper.change(at, torch.zeros(2)):
                at.history = history
                at.epoch, at.batch, at.images, at.seconds = at.epoch + 1, 0, 0, 0.0
                at.loss = at.right = 0.0
            self._save()
            # A quick look may see no image of some class.
            looks = not self.validator or settings.limit_eval_batches
            if not looks and len(at.history) in (SOME_EPOCHS, settings.epochs):
                values = [own[settings.select] for own in at.history]
                refuse_nan(self.metrics, self.names, settings.select, values)
            self.hooks.epoch_end(record=MappingProxyType(record))

    def _evaluated_network(self) -> torch.nn.Module:
        """Return the network that is evaluated, and kept if its epoch is the best."""
        if self.swa and self.at.epoch >= self.swa.first:
            self.recompute_statistics(self.swa.model)
            return self.swa.model
        return self.ema.model if self.ema else self.model

    def _kept_epoch(self, history: Sequence[Record]) -> int:
        """Return the epoch whose weights are kept."""
        return best_epoch(history, self.settings.select) if self.validator else self.settings.epochs

    def _validate(self, model: torch.nn.Module) -> Record:
        """Return the numbers of the validation part, if any; what was trained survives a signal."""
        try:
            self._agree_on_buffers(model)
            if self.validator is None:
                return {}
            with explain_memory("engine.eval_batch_size", self.validator.most):
                predictions = self.validator.predict(model)
            metrics = compute_metrics(self.metrics, predictions, self.names)
        except NotFiniteError:
            self._trace()
            raise
        except KeyboardInterrupt:
            self.keeper.save()
            raise
        self._refuse_clash(metrics)
        return {"val_loss": predictions.loss, **metrics}

    def _refuse_clash(self, metrics: Mapping[str, float]) -> None:
        """Refuse numbers of the network's modules that are called like another one."""
        if clash := sorted({*RESERVED, *metrics} & set(self.at.numbers)):
            raise SkinfwError(
                f'a module of the network tells its progress as "{clash[0]}"',
                why="the history of a run has a number of this name already",
                cure="its author gives what set_progress returns a name of its own",
            )

    def _check(self, loss: float) -> None:
        if not math.isfinite(loss):
            self._trace()
            self.check_loss()
            raise SkinfwError(
                f"the training loss is {loss} in epoch {self.at.epoch}",
                why="the optimisation diverged",
                cure="lower optimizer.lr, or set train.clip_norm = 1.0",
            )

    def _trace(self) -> None:
        """Repeat the epoch from the last state, and raise for whoever makes the first NaN."""
        if self.tracer or self.hardware.world > 1:
            return
        self.keeper.forget()
        state = load_state(self.states, self.hardware).state
        if state is None:
            self.at = Progress()
            self.model.load_state_dict(self.first)
        self._set_up(state)
        self.parallel = self.pipeline.network(self.model)  # what is compiled tells nothing
        self.hooks = run_hooks([])
        self.tracer = Tracer(self.model, self.guard, self.scaler.is_enabled())
        with self.tracer.layers():
            self._epoch(StopSignals())

    def _agree_on_buffers(self, model: torch.nn.Module) -> None:
        """Give all processes the running statistics that the saved weights will have."""
        if self.hardware.world > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, 0)

    def _save(self) -> None:
        self.keeper.save()
        self.first = {}  # the state on disk is later

    def _out_of_patience(self) -> bool:
        patience = self.settings.early_stopping
        if not patience or not self.at.history:
            return False
        return self.at.epoch - 1 - best_epoch(self.at.history, self.settings.select) >= patience

    def _agree(self, stop: bool) -> bool:
        """Stop all processes where one was asked to, after the same batch."""
        if self.hardware.world == 1:
            return stop
        flag = torch.tensor(float(stop), device=self.hardware.device)
        dist.all_reduce(flag, dist.ReduceOp.MAX)
        return bool(flag.item())

    def _sums(self, loss: torch.Tensor, right: torch.Tensor, share: Share) -> torch.Tensor:
        """Return the sum of a batch's losses and how many are right, of all processes, [2]."""
        own = torch.stack([loss * share.weight * share.images, right.to(loss.dtype)])
        if self.hardware.world > 1:
            own[0] /= self.hardware.world
            dist.all_reduce(own)
        return own


def best_epoch(history: Sequence[Mapping[str, float]], select: str) -> int:
    """Return the epoch with the best number, the first of equals.

    history: a record per epoch.
    select: its name; `val_loss` is best small, every other number large.
    """
    values = np.array([record[select] for record in history], float)
    values = np.where(np.isnan(values), -np.inf, -values if select == "val_loss" else values)
    return int(history[int(values.argmax())]["epoch"])
