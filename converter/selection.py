"""Which nodes a user wants converted: by name or operator."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from qudnn.converter.errors import ConversionError
from qudnn.converter.failures import shown


@dataclass(frozen=True)
class Selection:
    """Patterns as a shell has them: `*`, `?`, `[abc]`; each is of nodes' names or of operators.

    include: nodes that match none of these are left; empty where all nodes are meant.
    exclude: nodes that match one of these are left, whatever include says.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @classmethod
    def of(cls, include: Iterable[str], exclude: Iterable[str]) -> "Selection":
        """Raises ConversionError where one is a string: each of its characters would be a pattern."""
        for name, patterns in ("include", include), ("exclude", exclude):
            if isinstance(patterns, str):
                raise ConversionError(f"{name} is {patterns!r}; it has to be a list: [{patterns!r}]")
        return cls(tuple(include), tuple(exclude))

    def __bool__(self) -> bool:
        return bool(self.include or self.exclude)

    def why_left(self, nodes: Iterable[tuple[str, str]]) -> str | None:
        """The reason why what would become one operator is left; None where it is not.

        nodes: names and operators of what it consists of. One of them that is included is enough; so is one
        that is excluded.
        """
        known = list(nodes)
        for pattern in self.exclude:
            for name, op_type in known:
                if _matches(pattern, name, op_type):
                    what = "it is" if len(known) == 1 else f"{shown(name)} ({op_type}) is"
                    return f"{what} excluded by {pattern!r}"
        if self.include and not any(_matches(p, *node) for p in self.include for node in known):
            return "it is not among the nodes to convert"
        return None

    def unmatched(self, nodes: Iterable[tuple[str, str]]) -> list[str]:
        """The patterns that match none of these: names and operators."""
        known = list(nodes)
        patterns = dict.fromkeys((*self.include, *self.exclude))
        return [each for each in patterns if not any(_matches(each, *node) for node in known)]


def _matches(pattern: str, name: str, op_type: str) -> bool:
    return fnmatchcase(op_type, pattern) or fnmatchcase(name, pattern)
