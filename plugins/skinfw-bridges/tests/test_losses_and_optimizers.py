"""Losses and optimizers of timm and torch: numbers of the library, in our order."""

from typing import Any

import pytest
import timm.optim
import torch
from timm import loss as timm_loss
from torch import nn

from skinfw import SkinfwError
from skinfw.recipe.parameters import parameters
from skinfw_bridges import timm_losses, timm_optimizers, torch_optimizers


def make(family: Any, variant: str, values: dict[str, Any], **gives: Any) -> Any:
    build = family.member(variant)
    arguments, complaints = parameters(build).read(values)
    assert not complaints, (variant, complaints)
    return build(**gives, **arguments)


@pytest.mark.parametrize("variant", timm_losses.variants())
def test_losses_are_those_of_timm(variant: str) -> None:
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    targets = torch.tensor([0, 1, 2, 3, 0, 1])
    ours = make(timm_losses, variant, {})(logits, targets, None)
    rows = nn.functional.one_hot(targets, 4).float()
    dense = {"AsymmetricLossMultiLabel", "PolyBinaryCrossEntropy", "SoftTargetCrossEntropy"}
    theirs = getattr(timm_loss, variant)()(logits, rows if variant in dense else targets)
    assert ours.ndim == 0 and torch.equal(ours, theirs)
    (gradient,) = torch.autograd.grad(ours, logits)
    assert gradient.abs().sum() > 0
    known = {"SoftTargetCrossEntropy": {}, "LabelSmoothingCrossEntropy": {"smoothing": 0.0}}
    if variant in known:  # an oracle beside timm
        plain = nn.functional.cross_entropy(logits, targets)
        assert torch.allclose(
            make(timm_losses, variant, known[variant])(logits, targets, None), plain
        )


@pytest.mark.parametrize("variant", timm_losses.variants())
def test_class_weights_are_refused_and_not_left_out(variant: str) -> None:
    loss = make(timm_losses, variant, {})
    with pytest.raises(SkinfwError, match=f"timm/{variant} takes no class weights") as error:
        loss(torch.randn(2, 3), torch.tensor([0, 1]), torch.ones(3))
    assert "[weighting]" in error.value.cure


class Small(nn.Sequential):
    def __init__(self) -> None:
        torch.manual_seed(0)
        # No bias before the norm: it would have no gradient.
        convolution = nn.Conv2d(3, 8, 3, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8 * 36, 4))


def train(model: nn.Module, optimizer: Any) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(4, 3, 8, 8, generator=generator)).pow(2).mean().backward()
        optimizer.step()
    return [weights.detach() for weights in model.parameters()]


@pytest.mark.parametrize("variant", torch_optimizers.variants())
def test_optimizers_are_those_of_torch_with_biases_and_norms_spared(variant: str) -> None:
    function = getattr(torch.optim, variant)
    decays = "weight_decay" in parameters(torch_optimizers.member(variant)).model.model_fields
    values = {"lr": 0.01, **({"weight_decay": 0.1} if decays else {})}
    model = Small()
    ours = train(model, make(torch_optimizers, variant, values, model=model))
    other = Small()
    vectors = [weights for weights in other.parameters() if weights.ndim == 1]
    matrices = [weights for weights in other.parameters() if weights.ndim > 1]
    spared = {"params": vectors, **({"weight_decay": 0.0} if decays else {})}
    theirs = train(other, function([{"params": matrices}, spared], **values))
    for one, two, old in zip(ours, theirs, Small().parameters(), strict=True):
        assert torch.equal(one, two) and not torch.equal(one, old)


def test_all_optimizers_of_timm_give_what_its_factory_gives() -> None:
    for variant in timm_optimizers.variants():
        values = {"lr": 0.01, "weight_decay": 0.05}
        model, other = Small(), Small()
        ours = train(model, make(timm_optimizers, variant, values, model=model))
        factory = timm.optim.create_optimizer_v2(other, opt=variant, **values)
        for one, two, old in zip(ours, train(other, factory), Small().parameters(), strict=True):
            assert torch.equal(one, two), variant
            assert not torch.equal(one, old), variant


def test_what_a_training_step_cannot_drive_is_not_offered() -> None:
    assert not {"LBFGS", "SparseAdam", "Muon", "Optimizer"} & set(torch_optimizers.variants())
    offered = set(timm_optimizers.variants())
    assert not {"adahessian", "kron"} & offered and not {
        n for n in offered if n.startswith(("bnb", "fused"))
    }
    assert "JsdCrossEntropy" not in timm_losses.variants()


def test_only_weights_that_learn_are_given_to_an_optimizer() -> None:
    for family, variant in ((torch_optimizers, "AdamW"), (timm_optimizers, "lion")):
        model = Small()
        model[0].requires_grad_(False)
        optimizer = make(family, variant, {"lr": 0.01}, model=model)
        held = {id(weights) for group in optimizer.param_groups for weights in group["params"]}
        assert held == {id(w) for w in model.parameters() if w.requires_grad}


def test_a_rate_must_be_given_where_the_library_would_choose_one_by_itself() -> None:
    _, (complaint,) = parameters(timm_optimizers.member("adafactor")).read({})
    assert complaint.keys == ("lr",) and complaint.missing
