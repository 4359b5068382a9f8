"""The tests themselves."""

from __future__ import annotations

import ast


def test_promises(repo):
    """Each test says in its docstring what it promises."""
    silent = [
        f"{path.relative_to(repo)}:{node.lineno} {node.name}"
        for path in sorted((repo / "tests").rglob("test_*.py"))
        if "node_modules" not in path.parts
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []
