"""What the code never does, whoever asks for it: read, not run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
YAML = {"yaml.load", "yaml.full_load", "yaml.unsafe_load", "yaml.load_all"}
UNESCAPED = {"mark_safe", "SafeString", "SafeText"}
ASKED = {"get", "post", "put", "patch", "delete", "head", "options", "request"}
RAW = {"raw", "extra", "RawSQL"}


def forbidden(source: str) -> Iterator[str]:
    """A line for each thing in ``source`` that has no place in the product."""
    tree = ast.parse(source)
    constants = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        for what in _in(node, constants):
            yield f"{getattr(node, 'lineno', 0)}: {what}"


def _in(node: ast.AST, constants: set[str]) -> Iterator[str]:
    match node:
        case ast.Import(names=names):
            yield from (name.name for name in names if name.name.split(".")[0] in MODULES)
        case ast.ImportFrom(module=str(module)) if module.split(".")[0] in MODULES:
            yield module
        case ast.Attribute(attr="path_info", value=value) if not _is_visit(value):
            # Decoded, and without its first slash where somebody wants to.
            yield "path_info"
        case ast.Call():
            yield from _called(node, constants)


def _is_visit(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id == "visit"


def _called(node: ast.Call, constants: set[str]) -> Iterator[str]:
    whole = ast.unparse(node.func)
    name = whole.rpartition(".")[2]
    words = {word.arg: word.value for word in node.keywords}
    if whole in BUILTINS | SHELLS | YAML:
        yield whole
    if name in RAW and (name != "extra" or "objects" in whole or "filter" in whole):
        yield whole
    if name in UNESCAPED and not all(isinstance(part, ast.Constant) for part in node.args):
        yield whole
    shell = words.get("shell")
    if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
        yield f"{whole} with a shell"
    if (whole.startswith("requests.") and name in ASKED) or name == "urlopen":
        wait = words.get("timeout")
        if wait is None or (isinstance(wait, ast.Constant) and wait.value is None):
            yield f"{whole} without a timeout"
    if whole in ("requests.Session", "requests.session"):
        yield f"{whole}, which waits for ever"
    is_statement = name in ("execute", "executemany") and "cursor" in whole and node.args
    if is_statement and not _is_fixed(node.args[0], constants):
        yield f"{whole} of a text that is put together"


def _is_fixed(node: ast.expr, constants: set[str]) -> bool:
    """Whether this text is always the same: no part of it comes from anywhere."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return node.id in constants
    return isinstance(node, ast.JoinedStr) and all(
        _is_fixed(part.value if isinstance(part, ast.FormattedValue) else part, constants)
        for part in node.values
    )
