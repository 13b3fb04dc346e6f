import pytest

from skinfw.registry.names import LocalName, Name, did_you_mean, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kmeans-hybrid", Name("", "kmeans-hybrid", "")),
        ("isic:isic2019", Name("isic", "isic2019", "")),
        ("timm/densenet121.tv_in1k", Name("", "timm", "densenet121.tv_in1k")),
        ("timm:timm/resnet18", Name("timm", "timm", "resnet18")),
        ("./mine.py:Sampler", LocalName("./mine.py", "Sampler")),
        ("../shared/mine.py:make", LocalName("../shared/mine.py", "make")),
        ("", None),
        ("two words", None),
        ("a:b:c", None),
        ("./mine.py", None),
    ],
)
def test_names_are_taken_apart(text: str, expected: object) -> None:
    assert parse(text) == expected


def test_a_slip_is_recognised_whatever_its_case() -> None:
    assert did_you_mean("KMeans-Hybird", ["shuffle", "kmeans-hybrid"]) == (
        '; did you mean "kmeans-hybrid"?'
    )
    assert did_you_mean("zebra", ["shuffle", "kmeans-hybrid"]) == ""
