"""The library of checks: found in the tree or in the wheel, beside a user's own, and loaded file by file."""

import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import ModuleType, UnionType
from typing import get_args

import workbench
from workbench.checking.check import Broken, Check
from workbench.checking.finding import Problem
from workbench.checking.requirements import faults, forbidden_imports
from workbench.evidence import Gap

_FILE = re.compile(r"(?P<code>[A-Z]{3}\d{3}|X[A-Z0-9]*\d{3})_(?P<name>[a-z0-9_]+)\.py")

_PAGE = re.compile(r'"""(.*?)"""', re.DOTALL)
_SINCE = re.compile(r'^SINCE = "([^"]*)"', re.MULTILINE)
_SIGNATURE = re.compile(r"^def check\((.*?)\) ->", re.MULTILINE | re.DOTALL)
_PARAMETER = re.compile(r"(\w+): ((?:[^,\[]|\[(?:[^\[\]]|\[[^\]]*\])*\])+)")
"""Name and annotation; brackets may hold commas, and other brackets."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the library, known by its file name alone."""

    code: str
    name: str
    path: Path
    own: bool
    """From the user's directory."""


def library_directory() -> Path:
    """Where the checks that come with the workbench lie: in the package (wheel), else at the top of the tree."""
    package = Path(workbench.__file__).parent
    packaged = package / "_checks"
    return packaged if packaged.is_dir() else package.parent / "checks"


def own_directory() -> Path:
    """Where a user's own checks lie; need not exist."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "workbench" / "checks"


def entries() -> tuple[Entry, ...]:
    """Every file that is called like a check, the library's first, each by code; nothing is loaded yet.

    Files of the library that begin with X, and files of the user that do not, are passed over.
    """
    return (*_listed(library_directory(), own=False), *_listed(own_directory(), own=True))


def load(entry: Entry) -> Check | Broken:
    """Load one file; whatever is wrong with it, the answer is Broken and says what.

    Imports of a user's files are judged before they run; a test judges those of the library.
    """
    try:
        if entry.own and (wrong := forbidden_imports(entry.path)):
            return Broken(_unloaded(entry), f"a check may not import {', '.join(wrong)}")
        module = _module(entry)
        check = _check(entry, module)
    except (Exception, SystemExit) as error:
        return Broken(_unloaded(entry), describe(error))
    missing = faults(check, module)
    return Broken(check, "; ".join(missing)) if missing else check


def declared(entry: Entry) -> Check | Broken:
    """The same, but a check of the library is known by its text alone, and loaded when it is asked.

    Most of them look at what is not there: a log is judged in less time than all would take to load.
    """
    if entry.own:
        return load(entry)
    try:
        text = entry.path.read_text("utf-8")
    except (OSError, ValueError) as error:
        return Broken(_unloaded(entry), describe(error))
    page, since, signature = _PAGE.match(text), _SINCE.search(text), _SIGNATURE.search(text)
    if page is None or since is None or signature is None:
        return load(entry)  # which says what it lacks
    parameters = [(match[1], _takes_gap(match[2])) for match in _PARAMETER.finditer(signature[1])]
    return Check(
        code=entry.code,
        name=entry.name,
        since=since[1],
        title=page[1].partition("\n")[0],
        page=page[1].strip(),
        needs=tuple(name for name, takes_gap in parameters if not takes_gap),
        accepts=tuple(name for name, takes_gap in parameters if takes_gap),
        judge=partial(_judge, entry),
        path=str(entry.path),
    )


def _judge(entry: Entry, **sections: object) -> Iterable[Problem]:
    judge: Callable[..., Iterable[Problem]] = _once(entry).check
    return judge(**sections)


@cache
def _once(entry: Entry) -> ModuleType:
    return _module(entry)


def describe(error: BaseException) -> str:
    """Kind and text of an exception, and the line of the file that it came from."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace else ""
    return f"{type(error).__name__}: {error}{where}"


def _listed(directory: Path, *, own: bool) -> Iterator[Entry]:
    try:
        files = sorted(item.name for item in directory.iterdir())
    except OSError:
        return
    for file in files:
        match = _FILE.fullmatch(file)
        if match and match["code"].startswith("X") == own:
            yield Entry(match["code"], match["name"].replace("_", "-"), directory / file, own)


def _module(entry: Entry) -> ModuleType:
    name = f"workbench_checks.{entry.path.stem}"
    spec = importlib.util.spec_from_file_location(name, entry.path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _check(entry: Entry, module: ModuleType) -> Check:
    judge: Callable[..., Iterable[Problem]] = module.check
    parameters = inspect.signature(judge).parameters.values()
    accepts = tuple(item.name for item in parameters if _takes_gap(item.annotation))
    page = inspect.cleandoc(module.__doc__ or "")
    return Check(
        code=entry.code,
        name=entry.name,
        since=str(getattr(module, "SINCE", "")),
        title=page.partition("\n")[0],
        page=page,
        needs=tuple(item.name for item in parameters if item.name not in accepts),
        accepts=accepts,
        judge=judge,
        path=str(entry.path),
    )


def _takes_gap(annotation: object) -> bool:
    if isinstance(annotation, str):  # from __future__ import annotations
        return re.search(r"\bGap\b", annotation) is not None
    return isinstance(annotation, UnionType) and Gap in get_args(annotation)


def _unloaded(entry: Entry) -> Check:
    def never() -> Iterable[Problem]:
        return ()

    return Check(entry.code, entry.name, "", "", "", (), (), never, str(entry.path))
