"""Where the code takes the addresses of its redirects from: read, not run.

An address is safe when every way to it begins with a named URL, a configured origin or one of the
few functions that answer with a path of this site whatever they are given. Everything else,
above all what a request says, is unsafe: the list says what is allowed, not what is forbidden.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

# They answer with an address of this site or of a configured one, whatever they are given; each
# has tests of its own.
ADDRESS_MAKERS = {
    "reverse",
    "own_page",
    "own_path",
    "provider_sign_out",
    "destination",
    "legacy_origin",
    "location",
}
# They answer with text that may stand in a query: no character in it ends one or begins a host.
QUERY_MAKERS = {"urlencode", "quote"}
REDIRECTS = {"HttpResponseRedirect", "HttpResponseRedirectBase"}
# Never: a permanent redirect cannot be taken back, and the others take anything for an address.
NEVER = {
    "HttpResponsePermanentRedirect",
    "HttpResponseClientRedirect",
    "HttpResponseLocation",
    "redirect",
}
HEADERS = {"location", "content-location", "refresh", "hx-redirect", "hx-location", "hx-push-url"}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_BINDING = (ast.Assign, ast.AugAssign, ast.For, ast.AsyncFor, ast.comprehension, ast.withitem)


class Module:
    """One source file: ``name`` stands in what is found, ``reviewed`` are safe expressions."""

    def __init__(self, name: str, source: str, reviewed: frozenset[str] = frozenset()) -> None:
        self.name = name
        self.reviewed = reviewed
        self.used: set[str] = set()
        self.tree = ast.parse(source)
        self.parent = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }
        self.functions = {
            node.name: node for node in self.tree.body if isinstance(node, _FUNCTIONS)
        }
        self.real_names = {
            alias.asname or alias.name: alias.name
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }

    def unsafe(self) -> Iterator[str]:
        """A line for each redirect whose address may come from anywhere."""
        sinks = REDIRECTS | {
            node.name
            for node in ast.walk(self.tree)
            if isinstance(node, ast.ClassDef)
            and any(self._name(base) in REDIRECTS for base in node.bases)
        }
        for node in ast.walk(self.tree):
            for address in self._addresses(node, sinks):
                if address is None or not self.is_safe(address):
                    yield f"{self.name}:{node.lineno}: {ast.unparse(address or node)}"  # type: ignore[attr-defined]

    def _addresses(self, node: ast.AST, sinks: set[str]) -> Iterator[ast.expr | None]:
        """The addresses this node redirects to; None for what is wrong whatever the address."""
        if isinstance(node, ast.Name | ast.Attribute):
            yield from self._of_name(node, sinks)
        elif isinstance(node, ast.ClassDef):
            if any(self._name(base).endswith("RedirectView") for base in node.bases):
                yield None
        elif isinstance(node, ast.Constant) and str(node.value).lower() in HEADERS:
            yield from self._of_header(node)

    def _of_name(
        self, node: ast.Name | ast.Attribute, sinks: set[str]
    ) -> Iterator[ast.expr | None]:
        name, around = self._name(node), self.parent[node]
        call = around if isinstance(around, ast.Call) and around.func is node else None
        if name in NEVER and self._is_imported(node):
            yield None
        elif name in sinks and not isinstance(around, ast.ClassDef) and self._is_value(node):
            # A class that is handed on is a redirect nobody sees.
            yield call.args[0] if call and call.args else None
        elif name == "redirect_to_login" and self._is_value(node):
            # Its first argument is a parameter of the sign-in page, the second its address.
            if call is None or len(call.args) != 1 or call.keywords:
                yield None
        elif name == "RedirectView" and self._is_value(node):
            made = self.parent[around]
            named = isinstance(made, ast.Call) and {word.arg for word in made.keywords}
            if not named or named != {"pattern_name"}:
                yield None

    def _is_imported(self, node: ast.Name | ast.Attribute) -> bool:
        """Whether this is the one of Django: others have something called "redirect", too."""
        if isinstance(node, ast.Name):
            return node.id in self.real_names
        return self._name(node.value) in ("shortcuts", "http")

    def _is_value(self, node: ast.AST) -> bool:
        """Whether this stands in code that runs, and is no type of something."""
        while node in self.parent:
            above = self.parent[node]
            if node in (getattr(above, "annotation", None), getattr(above, "returns", None)):
                return False
            node = above
        return True

    def _of_header(self, node: ast.Constant) -> Iterator[ast.expr | None]:
        around = self.parent[node]
        if isinstance(around, ast.Subscript):
            above = self.parent[around]
            if isinstance(above, ast.Assign) and around in above.targets:
                yield above.value
            elif not isinstance(around.ctx, ast.Load):
                yield None
        elif isinstance(around, ast.Dict) and node in around.keys:
            yield around.values[around.keys.index(node)]
        elif isinstance(around, ast.Tuple) and not isinstance(self.parent[around], ast.Compare):
            yield around.elts[1] if len(around.elts) == 2 and around.elts[0] is node else None
        elif isinstance(around, ast.Call) and self._name(around.func) not in ("get", "_setting"):
            yield around.args[1] if len(around.args) == 2 and around.args[0] is node else None

    def is_safe(self, node: ast.expr, seen: frozenset[str] = frozenset()) -> bool:
        """Whether every way to this expression begins with a safe address."""
        text = ast.unparse(node)
        if text in self.reviewed:
            self.used.add(text)
            return True
        match node:
            case ast.Constant(value=str(value)):
                return value.startswith("/") and not value.startswith(("//", "/\\"))
            case ast.JoinedStr(values=parts):
                return self._is_joined(parts, seen)
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._is_joined([left, right], seen)
            case ast.IfExp(body=one, orelse=other):
                return self.is_safe(one, seen) and self.is_safe(other, seen)
            case ast.Subscript(
                value=ast.Call(func=ast.Attribute(value=whole, attr="partition")),
                slice=ast.Constant(value=0),
            ):
                return self.is_safe(whole, seen)
            case ast.Call(func=ast.Name() | ast.Attribute() as function):
                return self._is_made(function, seen)
            case ast.Name(id=name) if name not in seen:
                found = self._assigned(node, name)
                return bool(found) and all(
                    value is not None and self.is_safe(value, seen | {name}) for value in found
                )
        return False

    def _is_made(self, function: ast.Name | ast.Attribute, seen: frozenset[str]) -> bool:
        name = self._name(function)
        if "request" in ast.unparse(function):
            return False
        if name in ADDRESS_MAKERS:
            return True
        if isinstance(function, ast.Attribute) or name not in self.functions or name in seen:
            return False
        called = seen & self.functions.keys()
        answers = [
            node.value for node in ast.walk(self.functions[name]) if isinstance(node, ast.Return)
        ]
        return bool(answers) and all(
            # It has names of its own.
            answer is not None and self.is_safe(answer, called | {name})
            for answer in answers
        )

    def _is_joined(self, parts: list[ast.expr], seen: frozenset[str]) -> bool:
        """An address, and behind it addresses of pages; any text only where a query has begun."""
        in_query = False
        for place, part in enumerate(parts):
            value = part.value if isinstance(part, ast.FormattedValue) else part
            if place and isinstance(value, ast.Constant):
                text = str(value.value)
                if not in_query and not text.startswith(("/", "?", "#")):
                    return False
                in_query = in_query or "?" in text
            elif place and in_query:
                if not self._is_query(value) and not self.is_safe(value, seen):
                    return False
            elif not self.is_safe(value, seen):
                return False
        return bool(parts)

    def _is_query(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Name):
            found = self._assigned(value, value.id)
            return bool(found) and all(part is not None and self._is_query(part) for part in found)
        if isinstance(value, ast.Constant):
            return True
        if isinstance(value, ast.Call):
            return self._name(value.func) in QUERY_MAKERS
        # UUID of a directory.
        return isinstance(value, ast.Attribute) and value.attr == "tid"

    def _assigned(self, node: ast.AST, name: str) -> list[ast.expr | None]:
        """All that ``name`` may stand for where it is read; None for what nobody can tell."""
        scope: ast.AST = node
        while scope in self.parent:
            scope = self.parent[scope]
            if isinstance(scope, (*_FUNCTIONS, ast.Module)):
                found = list(_values_of(scope, name))
                if found:
                    return found
        return []

    def _name(self, node: ast.AST) -> str:
        if isinstance(node, ast.Attribute):
            return node.attr
        return self.real_names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def _values_of(scope: ast.AST, name: str) -> Iterator[ast.expr | None]:
    if isinstance(scope, _FUNCTIONS) and name in {
        node.arg for node in ast.walk(scope.args) if isinstance(node, ast.arg)
    }:
        yield None
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                yield node.value
                continue
        # Unpacked, counted through, added to, opened: nobody can tell what it is.
        if isinstance(node, _BINDING) and any(
            isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Store)
            for child in _targets(node)
            for part in ast.walk(child)
        ):
            yield None


def _targets(node: ast.AST) -> list[ast.AST]:
    found = getattr(node, "targets", None) or [
        getattr(node, "target", None) or getattr(node, "optional_vars", None)
    ]
    return [target for target in found if target is not None]
