"""Where the official files of the ISIC challenges lie, and on what terms."""

from __future__ import annotations

from skinfw import Download, Downloads

_HOST = "https://isic-challenge-data.s3.amazonaws.com"
_GB, _MB, _KB = 10**9, 10**6, 10**3
_BY_NC = "CC BY-NC 4.0, https://creativecommons.org/licenses/by-nc/4.0/"
_HAM10000 = (
    "HAM10000: ViDIR Group, Department of Dermatology, Medical University of Vienna. P. Tschandl, "
    "C. Rosendahl, H. Kittler: The HAM10000 dataset, a large collection of multi-source "
    "dermatoscopic images of common pigmented skin lesions. Scientific Data 5, 180161 (2018). "
    "https://doi.org/10.1038/sdata.2018.161"
)
_MSK = (
    "MSK and ISIC 2017: N. C. F. Codella et al.: Skin Lesion Analysis Toward Melanoma Detection: A "
    "Challenge at the 2017 International Symposium on Biomedical Imaging (ISBI), Hosted by the "
    "International Skin Imaging Collaboration (ISIC). arXiv 1710.05006 (2018)."
)
_ISIC2018 = (
    "ISIC 2018: N. Codella et al.: Skin Lesion Analysis Toward Melanoma Detection 2018: A "
    "Challenge Hosted by the International Skin Imaging Collaboration (ISIC). arXiv 1902.03368 "
    "(2019)."
)
_BCN20000 = (
    "BCN_20000: Department of Dermatology, Hospital Clinic de Barcelona. C. Hernandez-Perez et "
    "al.: BCN20000: Dermoscopic Lesions in the Wild. Scientific Data 11, 641 (2024). "
    "https://doi.org/10.1038/s41597-024-03387-w"
)


def _zip(path: str, size: float) -> Download:
    """Name an archive, which is unpacked into a folder of its own name."""
    folder = path.rpartition("/")[2].removesuffix(".zip")
    return Download(f"{_HOST}/{path}", int(size), folder)


def _csv(path: str, size: float) -> Download:
    return Download(f"{_HOST}/{path}", int(size))


ISIC2017 = Downloads(
    folder="ISIC_2017",
    licence="CC-0, https://creativecommons.org/publicdomain/zero/1.0/",
    attribution=_MSK,
    files=(
        _csv("2017/ISIC-2017_Training_Part3_GroundTruth.csv", 40 * _KB),
        _csv("2017/ISIC-2017_Validation_Part3_GroundTruth.csv", 4 * _KB),
        _csv("2017/ISIC-2017_Test_v2_Part3_GroundTruth.csv", 13 * _KB),
        _zip("2017/ISIC-2017_Validation_Data.zip", 0.9 * _GB),
        _zip("2017/ISIC-2017_Test_v2_Data.zip", 5.4 * _GB),
        _zip("2017/ISIC-2017_Training_Data.zip", 5.8 * _GB),
    ),
)
ISIC2018 = Downloads(
    folder="ISIC_2018",
    licence=_BY_NC,
    attribution=f"{_HAM10000}\n{_ISIC2018}",
    files=(
        _csv("2018/ISIC2018_Task3_Training_LesionGroupings.csv", 500 * _KB),
        _zip("2018/ISIC2018_Task3_Training_GroundTruth.zip", 40 * _KB),
        _zip("2018/ISIC2018_Task3_Validation_GroundTruth.zip", 4 * _KB),
        _zip("2018/ISIC2018_Task3_Test_GroundTruth.zip", 10 * _KB),
        _zip("2018/ISIC2018_Task3_Validation_Input.zip", 50 * _MB),
        _zip("2018/ISIC2018_Task3_Test_Input.zip", 0.4 * _GB),
        _zip("2018/ISIC2018_Task3_Training_Input.zip", 2.6 * _GB),
    ),
)
ISIC2019 = Downloads(
    folder="ISIC_2019",
    licence=_BY_NC,
    attribution=f"{_BCN20000}\n{_HAM10000}\n{_MSK}\n{_ISIC2018}",
    files=(
        _csv("2019/ISIC_2019_Training_GroundTruth.csv", 1.2 * _MB),
        _csv("2019/ISIC_2019_Training_Metadata.csv", 1.2 * _MB),
        _csv("2019/ISIC_2019_Test_GroundTruth.csv", 0.5 * _MB),
        _csv("2019/ISIC_2019_Test_Metadata.csv", 0.3 * _MB),
        _zip("2019/ISIC_2019_Test_Input.zip", 3.6 * _GB),
        _zip("2019/ISIC_2019_Training_Input.zip", 9.1 * _GB),
    ),
)
