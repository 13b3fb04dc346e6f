"""check: everything wrong is said at once, with its line and a cure."""

import json
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
from support import PLUGIN, ROOT, SAMPLER, Run, Site

RECIPES = sorted((ROOT / "recipes").glob("*.toml"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.stem)
def test_the_recipes_of_the_project_pass(skinfw: Run, recipe: Path) -> None:
    done = skinfw("check", str(recipe))
    assert done.returncode == 0, done.stderr
    resolved = tomllib.loads(done.stdout)
    assert resolved["train"]["select"]
    assert resolved["optimizer"]["betas"] == [0.9, 0.999]


def test_what_check_prints_is_a_recipe_that_says_the_same(skinfw: Run, tmp_path: Path) -> None:
    first = skinfw("check", str(ROOT / "recipes/isic2019_densenet_asis.toml"))
    (tmp_path / "again.toml").write_text(first.stdout)
    second = skinfw("check", "again.toml")
    assert second.returncode == 0, second.stderr
    assert tomllib.loads(first.stdout) == tomllib.loads(second.stdout)


def test_check_needs_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from skinfw.cli import main; "
        f"main(['check', {str(ROOT / 'recipes/isic2019_densenet.toml')!r}], standalone_mode=False);"
        "print(sorted({'torch', 'numpy', 'pandas', 'timm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_check_data_counts_classes(skinfw: Run) -> None:
    done = skinfw("check", str(ROOT / "recipes/quickstart.toml"), "--data")
    assert done.returncode == 0, done.stderr
    assert "# 640 images: MEL 114" in done.stdout


WRONG = """\
seeed = 1
[dataset]
use = "synthetic"
images = "many"
[trian]
epochs = 3
[train]
epochs = 0
[sampler]
use = "kmeans-hybird"
[loss]
use = "cross-entropy"
label_smothing = 0.1
[backbone]
use = "timm/densenet12"
[[augment]]
use = "rotation"
degrees = 999
onyl = "copies"
"""


def test_all_problems_come_at_once_sorted_by_line(skinfw: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text(WRONG)
    done = skinfw("check", "wrong.toml")
    assert done.returncode == 2 and done.stdout == ""
    said = [
        ('unknown table or key "seeed"; did you mean "seed"?', "wrong.toml:1"),
        ('dataset.images must be an integer of at least 64, not "many"', "wrong.toml:4"),
        ('unknown table or key "trian"; did you mean "train"?', "wrong.toml:5"),
        ("train.epochs must be an integer of at least 1, not 0", "wrong.toml:8"),
        ('no sampler is called "kmeans-hybird"', "wrong.toml:10"),
        ('loss.label_smothing is not a known key; did you mean "label_smoothing"?', "toml:13"),
        ('"timm" has no variant "densenet12"; did you mean "densenet121"?', "wrong.toml:15"),
        ("augment.0.degrees must be a number in [0, 180], not 999", "wrong.toml:18"),
        ('augment.0.onyl is not a known key; did you mean "only"?', "wrong.toml:19"),
    ]
    problems = done.stderr.strip().split("\n\n")
    assert len(problems) == len(said), done.stderr
    for problem, (what, where) in zip(problems, said, strict=True):
        assert problem.startswith("error: ") and what in problem and where in problem
        assert len(problem.splitlines()) <= 4
    assert 'did you mean "kmeans-hybrid" (plugin samplers)?' in done.stderr


BASE = '[dataset]\nuse = "synthetic"\n[backbone]\nuse = "lite/efficientnet-lite0"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["names no dataset", "names no backbone", "there is:"]),
        (BASE + "[sampler]\n", []),
        (BASE + '[sampler]\nuse = 3\n', ['sampler needs use = "name"', "r.toml:5"]),
        (BASE + '[metric]\nuse = "classification"\n', ["written as [[metric]]", "r.toml:5"]),
        (BASE + '[[sampler]]\nuse = "shuffle"\n', ["written as [sampler]"]),
        (BASE + "train = 3\n", ["r.toml"]),
        (BASE + '[loss]\nuse = "two words"\n', ["is no component name"]),
        (BASE + '[loss]\nuse = "shuffle"\n', ['"shuffle" is a sampler: use it in [sampler]']),
        (BASE + '[loss]\nuse = "acme:focal"\n', ['no plugin is called "acme"']),
        (BASE + '[loss]\nuse = "losses:gone"\n', ['no loss is called "losses:gone"']),
        (BASE + '[loss]\nuse = "./gone.py:Loss"\n', ["there is no file", "relative to the recipe"]),
        (BASE.replace("/efficientnet-lite0", ""), ['"lite" is a family and needs a variant']),
        (BASE + '[split]\nuse = "kfold/3"\n', ['"kfold" has no variants', 'write "kfold"']),
        ('requires = ["skinfw-acme>=2"]\n' + BASE, ["pip install 'skinfw-acme>=2'", "r.toml:1"]),
        ('requires = ["skinfw>=99"]\n' + BASE, ["requires skinfw>=99, but"]),
        ('requires = ["skinfw[nonsense]"]\n' + BASE, []),
        ('requires = ["not a == name"]\n' + BASE, ["is no requirement"]),
        ("seed = -1\n" + BASE, ["seed must be an integer of at least 0, not -1", "r.toml:1"]),
        (
            BASE + '[sampler]\nuse = "kmeans-hybrid"\nexactly = { NVV = 3 }\n',
            ['sampler.exactly.NVV names no class of the data set; did you mean "NV"?', "r.toml:7"],
        ),
        (BASE + '[split]\nuse = "kfold"\nfold = 5\n', ["fold 5 does not exist", "r.toml:6"]),
        (
            BASE + '[split]\nuse = "lesion-stratified"\nval = 0.6\ntest = 0.6\n',
            ["leave nothing to train on"],
        ),
        (
            BASE + '[[augment]]\nuse = "random-resized-crop"\nscale = [1.0, 0.5]\n',
            ["scale runs backwards"],
        ),
        (BASE + "[train]\nclip_norm = inf\n", ["train.clip_norm must be a number of at least 0"]),
        (
            BASE + '[split]\nuse = "kfold"\nfold = 2026-01-01\n',
            ["split.fold holds a date or a time", "r.toml:7"],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_a_place_and_a_cure(
    skinfw: Run, tmp_path: Path, text: str, said: list[str]
) -> None:
    (tmp_path / "r.toml").write_text(text)
    done = skinfw("check", "r.toml")
    assert done.returncode == (2 if said else 0), done.stderr
    for words in said:
        assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_set_problems_name_the_option(skinfw: Run, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(BASE)
    done = skinfw("check", "r.toml", "--set", "loss.label_smoothing=1.5")
    assert done.returncode == 2
    assert "loss.label_smoothing must be a number in [0, 1), not 1.5" in done.stderr
    assert "--set loss.label_smoothing=1.5" in done.stderr


def test_a_blocked_or_broken_plugin_is_the_reason_given(skinfw: Run, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(BASE)
    done = skinfw("check", "r.toml", SKINFW_BLOCK="lite")
    assert done.returncode == 2
    assert "plugin lite 0.1.0 is blocked: named in SKINFW_BLOCK" in done.stderr


def test_a_bare_name_of_two_plugins_prints_both_spellings(
    skinfw: Run, site: Site, tmp_path: Path
) -> None:
    site.install("acme", PLUGIN, acme_sampler=SAMPLER)
    site.install("fork", PLUGIN)
    (tmp_path / "r.toml").write_text(BASE + '[sampler]\nuse = "every-other"\n')
    done = skinfw("check", "r.toml")
    assert done.returncode == 2
    assert 'write "acme:every-other" or "fork:every-other"' in done.stderr
    assert skinfw("check", "r.toml", "--set", "sampler.use=fork:every-other").returncode == 0


RIVAL = PLUGIN.replace("every-other", "power")


def test_a_name_that_recipes_were_written_against_keeps_its_meaning(
    skinfw: Run, site: Site, tmp_path: Path
) -> None:
    site.install("acme", RIVAL, acme_sampler=SAMPLER)
    (tmp_path / "r.toml").write_text(BASE + '[sampler]\nuse = "power"\n')
    assert "plugin samplers 0.1.0" in skinfw("check", "r.toml").stdout
    rival = skinfw("check", "r.toml", "--set", "sampler.use=acme:power")
    assert "plugin acme 0.1.0" in rival.stdout
    listed = skinfw("list-plugins").stdout
    assert 'the bare name is that of samplers, recipes write "acme:power" for the other' in listed
    blocked = skinfw("check", "r.toml", SKINFW_BLOCK="samplers")
    assert blocked.returncode == 2
    assert 'the sampler "power" cannot be used; "acme:power" is another one' in blocked.stderr
    assert "plugin samplers 0.1.0 is blocked" in blocked.stderr


def test_a_plugin_that_takes_the_name_of_a_known_one_stops_no_recipe(
    skinfw: Run, site: Site, tmp_path: Path
) -> None:
    site.install("losses", PLUGIN, distribution="skinfw-rogue")
    (tmp_path / "r.toml").write_text(BASE)
    assert skinfw("check", "r.toml").returncode == 0
    plugins = json.loads(skinfw("list-plugins", "--json").stdout)
    states = {p["distribution"]: p["status"] for p in plugins if p["name"] == "losses"}
    assert states == {"skinfw": "working", "skinfw-rogue": "conflict"}


def test_a_broken_plugin_is_named_beside_a_slip(skinfw: Run, site: Site, tmp_path: Path) -> None:
    site.install("acme", "import gone_package\n" + textwrap.dedent(PLUGIN))
    (tmp_path / "r.toml").write_text(BASE + '[sampler]\nuse = "every-other"\n')
    done = skinfw("check", "r.toml")
    assert "plugin acme 0.1.0 is broken: its import raised ModuleNotFoundError" in done.stderr


def test_what_a_component_prints_is_no_part_of_the_recipe(skinfw: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("print('hello')\n" + textwrap.dedent(SAMPLER))
    (tmp_path / "r.toml").write_text(BASE + '[sampler]\nuse = "./mine.py:EveryOther"\n')
    done = skinfw("check", "r.toml")
    assert tomllib.loads(done.stdout)["sampler"]["start"] == 0 and "hello" in done.stderr


def test_a_component_may_have_versions(skinfw: Run, site: Site, tmp_path: Path) -> None:
    second = (
        '    yield Component("sampler", "every-other@2", "acme_sampler:EveryThird", "Better.")\n'
    )
    better = SAMPLER.replace("EveryOther", "EveryThird").replace("len(labels), 2", "len(labels), 3")
    site.install("acme", PLUGIN + "    " + second, acme_sampler=SAMPLER + better)
    (tmp_path / "r.toml").write_text(BASE + '[sampler]\nuse = "every-other"\n')
    assert 'use = "every-other"\n' in skinfw("check", "r.toml").stdout
    done = skinfw("check", "r.toml", "--set", "sampler.use=every-other@2")
    assert 'use = "every-other@2"' in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import gone_package\n", "ModuleNotFoundError"),
        ("Thinq = 1\n", 'mine.py has no "Thing"; did you mean "Thinq"?'),
        ("def Thing(*, n): pass\n", "n has no annotation"),
        ("def Thing(**n: int): pass\n", "hides parameters"),
        ("def Thing(n: int): pass\n", "n stands before the *"),
        ("def Thing(*, n: 'Gone'): pass\n", "annotation of n is unknown"),
        ("def Thing(*, use: str = ''): pass\n", "the host keeps the key use for itself"),
        ("import sys\nsys.exit(0)\n", "SystemExit: 0"),
        ("class Thing: pass\n", "a sampler needs draw(labels, context)"),
        (
            "class Thing:\n    def draw(self, labels): pass\n",
            "a sampler needs draw(labels, context)",
        ),
    ],
)
def test_a_component_that_cannot_be_used_names_its_file(
    skinfw: Run, tmp_path: Path, code: str, why: str
) -> None:
    (tmp_path / "mine.py").write_text(code)
    (tmp_path / "r.toml").write_text(BASE + '[sampler]\nuse = "./mine.py:Thing"\n')
    done = skinfw("check", "r.toml")
    assert done.returncode == 2
    assert why in done.stderr and "r.toml:6" in done.stderr
    assert "Traceback" not in done.stderr
    traced = skinfw("check", "r.toml", "--traceback")
    assert "Traceback" in traced.stderr


def test_check_says_what_must_be_given(skinfw: Run) -> None:
    recipe = str(ROOT / "recipes/quickstart.toml")
    missing = skinfw("check", recipe, "--set", "dataset.use=isic2019")
    assert "dataset.root must be given: a path" in missing.stderr
    assert "--set dataset.root=..." in missing.stderr


def test_what_an_absent_package_may_bring_is_no_slip(skinfw: Run, tmp_path: Path) -> None:
    text = 'requires = ["skinfw-absent"]\n' + BASE + '[loss]\nuse = "poly1-cross-entropy"\n'
    (tmp_path / "r.toml").write_text(text)
    done = skinfw("check", "r.toml")
    assert "pip install 'skinfw-absent'" in done.stderr
    assert "skinfw-absent, which the recipe requires, may bring it" in done.stderr
    assert "did you mean" not in done.stderr
