"""What every bundled component must be, whoever wrote it: the public kit, and the registry."""

import pytest

from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.component import variants
from skinfw.registry.catalog import Catalog, CatalogEntry
from skinfw.registry.known_packages import known_packages
from skinfw.testing import conformance

CATALOG = Catalog()
ALL = [entry for kind in KINDS for entry in CATALOG.offers(kind)]
BUNDLED = [plugin.name for plugin in CATALOG.plugins if plugin.distribution == "skinfw"]

for _name in BUNDLED:
    globals()[f"test_the_plugin_{_name}"] = conformance(_name)


def ids(entry: CatalogEntry) -> str:
    return f"{entry.component.kind}:{entry.component.name}"


@pytest.mark.parametrize("entry", ALL, ids=ids)
def test_the_registry_knows_it(entry: CatalogEntry) -> None:
    (known,) = [one for one in known_packages() if one.plugin == entry.plugin.name]
    assert entry.component.name in known.provides[entry.component.kind]


def test_the_registry_lists_only_what_exists() -> None:
    listed = {
        (entry.plugin, kind, name)
        for entry in known_packages()
        for kind, names in entry.provides.items()
        for name in names
    }
    real = {(f.plugin.name, f.component.kind, f.component.name) for f in ALL}
    real |= {(p.name, "command", c.name) for p in CATALOG.plugins for c in p.commands}
    assert listed == real


@pytest.mark.parametrize("entry", [f for f in ALL if f.component.variants], ids=ids)
def test_families_list_their_members(entry: CatalogEntry) -> None:
    members = variants(entry, "")
    assert members and len(members) == len(set(members))
