"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Command, Component, hookimpl

SKINFW_API = 1

_EXPLAINERS = (
    ("grad-cam", "grad_cam:GradCam",
     "Where the last feature map supports a class (Selvaraju et al. 2017)."),
    ("auto", "auto:AutoCam",
     "The class activation map that scores best on validation images."),
    ("grad-cam-plus-plus", "gradient_cams:GradCamPlusPlus",
     "Grad-CAM by positive gradients, for several places (Chattopadhay et al. 2018)."),
    ("hires-cam", "gradient_cams:HiresCam",
     "Features times gradients, place by place (Draelos and Carin 2020)."),
    ("layer-cam", "gradient_cams:LayerCam",
     "Features times positive gradients, for earlier layers (Jiang et al. 2021)."),
    ("xgrad-cam", "gradient_cams:XgradCam",
     "Grad-CAM by gradients where channels are active (Fu et al. 2020)."),
    ("eigen-cam", "activation_cams:EigenCam",
     "The first principal component of the features (Muhammad and Yeasin 2020)."),
    ("score-cam", "activation_cams:ScoreCam",
     "Channels by what the network says through them (Wang et al. 2020)."),
    ("smooth-grad", "pixel_gradients:SmoothGrad",
     "The mean gradient of noisy versions of an image (Smilkov et al. 2017)."),
    ("rise", "hidden_pixels:Rise",
     "Answers through random masks (Petsiuk et al. 2018)."),
    ("attention-rollout", "attention_rollout:AttentionRollout",
     "What a ViT's blocks attend to, all together (Abnar and Zuidema 2020)."),
    ("random-map", "baselines:RandomMap",
     "A random map, to compare explainers with."),
    ("centred-gaussian", "baselines:CentredGaussian",
     "A hill in the middle of the image, to compare explainers with."),
)  # fmt: skip

_OF_CAPTUM = (
    ("integrated-gradients", "pixel_gradients:IntegratedGradients",
     "Gradients on the way from nothing to the image (Sundararajan et al. 2017)."),
    ("occlusion", "hidden_pixels:Occlusion",
     "What is lost where a square hides the image (Zeiler and Fergus 2014)."),
)  # fmt: skip


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    for name, target, summary in _EXPLAINERS:
        example = {"masks": 64} if name == "rise" else {}
        yield Component("explainer", name, f"skinfw_explain.{target}", summary, example=example)
    for name, target, summary in _OF_CAPTUM:
        yield Component("explainer", name, f"skinfw_explain.{target}", summary, extra="explain")
    yield Component(
        "report",
        "explanation-scorecard",
        "skinfw_explain.scorecard.report:ExplanationScorecard",
        "How good the maps of the explainers are, beside a random map and a centred Gaussian.",
    )


@hookimpl
def skinfw_commands() -> Iterator[Command]:
    """Name the commands of this plugin."""
    yield Command(
        "explain", "skinfw_explain.command:explain", "Show where the network of a run looks."
    )
    yield Command(
        "scorecard",
        "skinfw_explain.scorecard.command:scorecard",
        "Measure how good the maps of explainers are, on a finished run.",
    )
