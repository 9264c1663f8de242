"""`converter` and `custom_ops`, the packages' names before there was `qudnn`: the same modules."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


def stand_in(name: str) -> None:
    """Make `name`, which is being imported, mean `qudnn.name`, and so with the modules inside."""
    sys.modules[name] = import_module(f"qudnn.{name}")
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds `converter.x` where `converter` is `qudnn.converter`, and not somebody else's."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, _, inside = name.partition(".")
        full = sys.modules.get(f"qudnn.{package}")
        if not inside or full is None or sys.modules.get(package) is not full or inside == "__main__":
            return None
        return ModuleSpec(name, _SameModule(import_module(f"qudnn.{name}")))


class _SameModule(Loader):
    """Loads what is loaded already."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # the import system has put the other name's there
