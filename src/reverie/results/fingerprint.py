"""A fingerprint of the code that determines what is learned: it changes with the code, and not with its words."""

import ast
import hashlib
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]

MEASURING = ("train/bench.py", "train/faceoff.py", "train/forecast.py", "train/matched.py")
ASIDE = ("cli", "results", "report", "play", "version.py", *MEASURING)
"""What decides nothing that is learned: commands, results, what is logged, drawn and played, measures, the version."""
EVALUATING = ("report/evaluate.py", "report/open_loop.py")
"""What decides the figures of a curve all the same."""


def fingerprint(package: Path = PACKAGE) -> str:
    """16 hexadecimal digits that stand for the syntax of all modules below a package, but for those in `ASIDE`
    that are not `EVALUATING`.

    Comments, docstrings, the documentation of fields, line breaks and spaces do not count; names and values do, and so
    do the modules' own paths.
    """
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        where = path.relative_to(package)
        if where.as_posix() in EVALUATING or not any(where.is_relative_to(aside) for aside in ASIDE):
            digest.update(f"{where.as_posix()}\n{syntax(path.read_text(encoding='utf-8'))}\n".encode())
    return digest.hexdigest()[:16]


def syntax(source: str) -> str:
    """A module's syntax tree as text, without its documentation.

    `ast.dump` says the same thing in other words from one Python to the next: newer ones have fields that older ones
    lack, or leave out empty ones. Empty fields are left out here always.
    """
    return _plain(ast.parse(source))


def _plain(node: Any) -> str:
    if isinstance(node, list):
        return f"[{','.join(_plain(item) for item in node if not _is_documentation(item))}]"
    if isinstance(node, ast.Constant):
        return f"{type(node.value).__name__}:{node.value!r}"
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
        return f"{type(node).__name__}({','.join(f'{name}={_plain(value)}' for name, value in fields)})"
    return repr(node)


def _is_documentation(node: Any) -> bool:
    """A statement that is nothing but a string: a docstring, or what stands below a field."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
