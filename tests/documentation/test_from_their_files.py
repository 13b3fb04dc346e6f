"""Every key of the two published systems' configuration files is mapped, to keys that exist."""

import re

from support import ROOT

from skinfw import components
from skinfw.errors import SkinfwError
from skinfw.recipe.component import import_target
from skinfw.recipe.parameters import parameters
from skinfw.recipe.plan import load_plan
from skinfw.recipe.settings import KEYS, SETTINGS

PAGE = ROOT / "docs" / "from-their-files.md"
YAO = """
NAME OUTPUT_DIR VALID_STEP SAVE_STEP SHOW_STEP PIN_MEMORY INPUT_SIZE COLOR_SPACE RESUME_MODEL
RESUME_MODE CPU_MODE EVAL_MODE GPUS
DATASET: DATASET ROOT DATA_TYPE TRAIN_JSON VALID_JSON TEST_JSON CLASS_NAME VALID_ADD_ONE_CLASS
DATASET: ADD_CLASS_NAME
DATASET.IMBALANCECIFAR: RATIO RANDOM_SEED
BACKBONE: TYPE BBN FREEZE PRE_FREEZE PRE_FREEZE_EPOCH PRETRAINED PRETRAINED_MODEL
BACKBONE.DROP: BLOCK_PROB BLOCK_SIZE NR_STEPS OUT_PROB
MODULE: TYPE
CLASSIFIER: TYPE BIAS
LOSS: WEIGHT_POWER EXTRA_WEIGHT LOSS_TYPE SCHEDULER DRW_EPOCH CLS_EPOCH_MIN CLS_EPOCH_MAX
LOSS.LDAM: MAX_MARGIN
LOSS.FOCAL: GAMMA TYPE SIGMOID
LOSS.LOW: LAMB
LOSS.GHMC: BINS MOMENTUM
LOSS.MWNL: GAMMA BETA TYPE SIGMOID
TRAIN: BATCH_SIZE MAX_EPOCH SHUFFLE NUM_WORKERS
TRAIN.TENSORBOARD: ENABLE
TRAIN.SAMPLER: TYPE IMAGE_TYPE BORDER_CROP BORDER_CROP_PIXEL BORDER_CROP_RATIO IMAGE_RESIZE
TRAIN.SAMPLER: IMAGE_RESIZE_SHORT COLOR_CONSTANCY CONSTANCY_POWER CONSTANCY_GAMMA
TRAIN.SAMPLER.AUGMENT: NEED_AUGMENT AUG_METHOD AUG_PROB AUG_MAG AUG_LAYER_NUM
TRAIN.SAMPLER.DUAL_SAMPLER: TYPE
TRAIN.SAMPLER.WEIGHTED_SAMPLER: TYPE
TRAIN.SAMPLER.MULTI_CROP: ENABLE CROP_NUM L_REGION S_REGION SCHEME
TRAIN.SAMPLER.MULTI_SCALE: ENABLE SCALE_NUM SCALE_NAME
TRAIN.SAMPLER.FIX_MEAN_VAR: ENABLE SET_MEAN SET_VAR
TRAIN.OPTIMIZER: TYPE BASE_LR MOMENTUM WEIGHT_DECAY
TRAIN.LR_SCHEDULER: TYPE LR_LOWER_STEP LR_STEP LR_FACTOR WARM_EPOCH COSINE_DECAY_END
TEST: BATCH_SIZE NUM_WORKERS MODEL_FILE
"""
"""The keys of lib/config/default.py of mbit-skin-cancer; its YAML files have no others."""
DENSENET = """
sampling: minority_target kmeans_clusters
augmentation: rotation_range h_flip v_flip color_jitter
model: name num_classes dropout_rate
training: batch_size epochs learning_rate class_weights
paths: checkpoint_dir log_dir
"""
"""The keys of the data_config.yaml that the README of E2E-DenseNetSkin prints."""


def keys(text: str) -> list[str]:
    found = []
    for line in text.strip().splitlines():
        table, colon, names = line.partition(": ")
        found += [f"{table}.{name}" for name in names.split()] if colon else line.split()
    return found


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_key_of_both_files_is_mapped_once_and_no_other() -> None:
    for heading, text in (("isic_2018.yaml", YAO), ("data_config.yaml", DENSENET)):
        mapped = [key for row in rows(heading) for key in spans(row[0])]
        assert sorted(mapped) == sorted(keys(text)), heading
        assert all(len(row) == 3 and (row[1] or row[2]) for row in rows(heading))


def recipe_keys() -> set[str]:
    """Every key that some component of skinfw, the host or a family of other libraries takes."""
    found = {f"{table}.{key}" for table, own in SETTINGS.items() for key in own.__annotations__}
    found |= {f"{kind}.{key}" for kind, own in KEYS.items() for key in own.__annotations__}
    for kind in {table.partition(".")[0] for table in named()} - SETTINGS.keys():
        found.add(f"{kind}.use")
        for own in components(kind):
            try:
                target, signature = import_target(own, "")
            except SkinfwError:  # a family, of which one wants a member
                continue
            assert parameters(target)
            found |= {f"{kind}.{key}" for key in signature.model.model_fields}
    families = ('augment=[{use="torchvision/RandAugment"}]',)
    for table, value in load_plan(ROOT / "recipes/isic2018_yao.toml", families).resolved().items():
        tables = value if isinstance(value, list) else [value]
        found |= {f"{table}.{key}" for own in tables if isinstance(own, dict) for key in own}
    return found


def named() -> set[str]:
    return {
        key for heading in ("isic_2018.yaml", "data_config.yaml") for row in rows(heading)
        for key in spans(row[1])
    }  # fmt: skip


def test_the_keys_that_they_are_mapped_to_exist() -> None:
    assert len(named()) > 50 and named() <= recipe_keys()
