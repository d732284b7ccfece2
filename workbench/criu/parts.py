"""CRIU and pycriu as parts that the workbench needs, each tried."""

import importlib.util
import os
from collections.abc import Iterator

from workbench.criu.find import candidates, find_criu, remember, version_of
from workbench.criu.trial import try_criu
from workbench.evidence import CriuTool, Part

REMEDY = "run `make setup`: it makes one that works"


def criu_parts() -> Iterator[Part]:
    """Each CRIU that was found, with a dump and a restore by both lock methods, and pycriu."""
    found = False
    for path, origin in candidates():
        found = True
        yield _criu(path, origin)
    if not found:
        yield Part("criu", "", "", False, "no CRIU was found", REMEDY)
    yield _pycriu()


def _criu(path: str, origin: str) -> Part:
    version = version_of(path)
    name = f"criu ({origin})"
    if version is None:
        return Part(name, path, "", False, "it cannot be run", REMEDY)
    if os.geteuid() != 0:
        return Part(name, path, version, None, "not tried: that needs root")
    trial = try_criu(path)
    remember(path, trial)
    chosen = find_criu()
    used = isinstance(chosen, CriuTool) and chosen.path == path
    if not trial.works:
        remedy = "nothing: another CRIU is used" if isinstance(chosen, CriuTool) and chosen.works else REMEDY
        return Part(name, path, version, False, trial.detail, remedy, required=used)
    slow = try_criu(path, "iptables")
    iptables = "iptables lock too" if slow.works else f"but not with the iptables lock: {slow.detail}"
    return Part(name, path, version, True, f"{trial.detail}; {iptables}{'; this one is used' if used else ''}")


def _pycriu() -> Part:
    spec = importlib.util.find_spec("pycriu")
    if spec is None or not spec.submodule_search_locations:
        return Part("pycriu", "", "", False, "it cannot be imported", "run `make setup`: it links CRIU's own copy")
    place = os.path.realpath(next(iter(spec.submodule_search_locations)))
    try:
        from pycriu import rpc_pb2, version
    except ImportError as error:
        return Part("pycriu", place, "", False, str(error), "run `make setup`")
    works = hasattr(rpc_pb2, "criu_req")
    return Part("pycriu", place, version.__version__, works, "its message classes load")
