"""What this plugin offers, as names; nothing heavy is imported here."""

from collections.abc import Iterator

from skinfw import Component, hookimpl

SKINFW_API = 1

_OPS = (
    ("virtual-pathology", "composite:VirtualPathology", "All of what follows, in one op."),
    ("pigment-jitter", "pigment:PigmentJitter", "Vary melanin and haemoglobin."),
    ("illuminant-shift", "pigment:IlluminantShift", "Let another light fall on the skin."),
    ("hair", "artefacts:Hair", "Draw hairs."),
    ("ruler-ticks", "artefacts:RulerTicks", "Draw a scale."),
    ("ink-marks", "artefacts:InkMarks", "Draw marks of a surgical pen."),
    ("gel-bubbles", "artefacts:GelBubbles", "Enclose bubbles of air."),
    ("specular-glints", "artefacts:SpecularGlints", "Let wet skin shine."),
    ("dark-corners", "artefacts:DarkCorners", "Look through a round tube."),
    ("out-of-focus", "artefacts:OutOfFocus", "Blur as an unfocused lens does."),
)


@hookimpl
def skinfw_components() -> Iterator[Component]:
    """Name the components of this plugin."""
    for name, target, summary in _OPS:
        yield Component("augment", name, f"skinfw_pathology.{target}", summary)
