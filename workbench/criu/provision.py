"""Make a CRIU that works here: run as a program by set-up.

Order: the CRIU on PATH if it passes a trial; else the newest packages of a later suite of the machine's own
distribution, fetched with its own keyring and mirror, unpacked below the private prefix and never installed,
with the loader and library path of ``criu`` pointed at the libraries that came along. Nothing on the host
changes. pycriu is linked into the running virtual environment from the CRIU that was chosen.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from workbench.criu import find
from workbench.criu.places import private_prefix
from workbench.errors import WorkbenchError
from workbench.evidence import CriuTool

SUITES = {
    "debian": ("trixie", "forky", "sid"),
    "ubuntu": ("plucky", "questing", "resolute", "devel"),
}
"""Suites with a newer CRIU than the stable releases, oldest first; each is tried until one works."""
PACKAGES = ("criu", "python3-pycriu")
SITE = "usr/lib/python3/dist-packages"


def _distribution() -> str:
    words: dict[str, str] = dict(
        re.findall(r'^(ID|ID_LIKE)="?([^"\n]*)"?$', Path("/etc/os-release").read_text(), re.MULTILINE)
    )
    for name in (words.get("ID", ""), *words.get("ID_LIKE", "").split()):
        if name in SUITES:
            return name
    raise WorkbenchError(
        "no CRIU that works here, and this distribution is neither Debian nor Ubuntu",
        f"install CRIU 4.2 or later and name it in {find.CHOICE_VARIABLE}",
    )


def _mirror() -> tuple[str, str]:
    """The machine's own mirror and keyring: (URI, Signed-By)."""
    for path in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        for stanza in path.read_text().split("\n\n"):
            fields = dict(re.findall(r"^(URIs|Suites|Signed-By):\s*(.+)$", stanza, re.MULTILINE))
            if "security" not in fields.get("Suites", "security") and "main" in stanza:
                return fields["URIs"].split()[0], fields.get("Signed-By", "")
    for path in (Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*.list"))):
        if path.exists():
            for options, uri, suite in re.findall(
                r"^deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+(\S+)", path.read_text(), re.MULTILINE
            ):
                if "security" not in suite:
                    signed = re.search(r"signed-by=(\S+)", options)
                    return uri, signed[1] if signed else ""
    raise WorkbenchError("this machine has no source of packages", "write one into /etc/apt/sources.list.d")


def _keyring(distribution: str, named: str) -> str:
    usual = Path(f"/usr/share/keyrings/{distribution}-archive-keyring.gpg")
    return named or (str(usual) if usual.exists() else "")


def _apt(prefix: Path, *words: str) -> None:
    """Run apt-get with a configuration, lists and state of its own; quiet unless it fails."""
    apt = prefix / "apt"
    settings = {
        "Dir::Etc::sourcelist": apt / "suite.sources",
        "Dir::Etc::sourceparts": "-",
        "Dir::State": apt / "state",
        "Dir::State::status": apt / "state" / "status",
        "Dir::State::lists": apt / "lists",
        "Dir::Cache": apt / "cache",
        "APT::Install-Recommends": "0",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "root",
    }
    options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    done = subprocess.run(["apt-get", "-qq", *options, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise WorkbenchError(f"apt-get {words[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")


def _fetch(prefix: Path, suite: str, uri: str, keyring: str) -> None:
    """Packages of ``suite`` with all that they depend on, unpacked below ``prefix``/root."""
    apt = prefix / "apt"
    for directory in ("state", "lists/partial", "cache/archives/partial"):
        (apt / directory).mkdir(parents=True, exist_ok=True)
    (apt / "state" / "status").write_text("")
    signed = f"Signed-By: {keyring}\n" if keyring else ""
    components = "main universe" if "ubuntu" in Path("/etc/os-release").read_text().lower() else "main"
    (apt / "suite.sources").write_text(f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: {components}\n{signed}")
    _apt(prefix, "update")
    _apt(prefix, "--download-only", "--yes", "install", *PACKAGES)
    for package in sorted((apt / "cache" / "archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(package), str(prefix / "root")], check=True)


def _relocate(prefix: Path) -> Path:
    """Point ``criu`` at the loader and libraries that came with it; its children stay the host's own programs."""
    root = prefix / "root"
    loader = next(root.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*"), None)
    if loader is None:
        raise WorkbenchError("the packages bring no dynamic loader")
    criu = prefix / "sbin" / "criu"
    criu.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(root / "usr" / "sbin" / "criu", criu)
    subprocess.run(
        ["patchelf", "--set-interpreter", str(loader), "--force-rpath", "--set-rpath", str(loader.parent), str(criu)],
        check=True,
    )
    return criu


def _private(distribution: str) -> Iterator[str]:
    """Make the private CRIU from one suite after another, oldest first; each is given out for its trial."""
    prefix = private_prefix()
    uri, named = _mirror()
    for suite in SUITES[distribution]:
        shutil.rmtree(prefix, ignore_errors=True)
        prefix.mkdir(parents=True)
        print(f"  fetching criu of {suite} into a private directory ...", flush=True)
        try:
            _fetch(prefix, suite, uri, _keyring(distribution, named))
            criu = _relocate(prefix)
        except (WorkbenchError, FileNotFoundError, subprocess.CalledProcessError) as error:
            print(f"  {suite}: {error}", flush=True)
            continue
        shutil.rmtree(prefix / "apt", ignore_errors=True)
        yield str(criu)


def _pycriu_of(criu: str) -> Path | None:
    """The pycriu that belongs to ``criu``: beside a private one, or the distribution's for one on PATH."""
    prefix = private_prefix()
    if Path(criu).is_relative_to(prefix):
        places = [prefix / "root" / SITE]
    else:
        places = [Path("/") / SITE, *sorted(Path("/usr/local/lib").glob("python3*/*-packages"))]
    return next((place / "pycriu" for place in places if (place / "pycriu" / "rpc_pb2.py").exists()), None)


def link_pycriu(criu: str) -> Path:
    """Make ``import pycriu`` give the copy that belongs to ``criu``."""
    source = _pycriu_of(criu)
    if source is None:
        raise WorkbenchError(f"no pycriu that belongs to {criu}", "install python3-pycriu from where criu came")
    link = Path(sysconfig.get_path("purelib")) / "pycriu"
    if not (link.is_symlink() and link.resolve() == source.resolve()):
        link.unlink(missing_ok=True)
        link.symlink_to(source)
    return source


def _usable(criu: str) -> bool:
    """Whether it passes a trial and has its pycriu; says so."""
    trial = find.tried(criu)
    if trial.works and _pycriu_of(criu) is None:
        print(f"  {criu} works, but its pycriu is not there", flush=True)
        return False
    print(f"  {criu}: {'works' if trial.works else 'does not work on this kernel'} ({trial.detail})", flush=True)
    return trial.works


def provision() -> CriuTool:
    """Find or make a CRIU that works here and link its pycriu; does nothing where that is done already."""
    if os.geteuid() != 0:
        raise WorkbenchError("CRIU cannot be tried without root", "run this as root")
    for criu, _origin in find.candidates():
        if _usable(criu):
            break
    else:
        if find.CHOICE_VARIABLE in os.environ:
            raise WorkbenchError(f"the CRIU named in {find.CHOICE_VARIABLE} does not work here", "unset it")
        criu = next(filter(_usable, _private(_distribution())), "")
        if not criu:
            raise WorkbenchError("no CRIU of any suite works on this kernel", "the lines above say what was tried")
    link_pycriu(criu)
    tool = find.find_criu()
    assert isinstance(tool, CriuTool)
    return tool


def main() -> int:
    """What set-up runs."""
    try:
        tool = provision()
    except WorkbenchError as error:
        print(f"workbench: error: {error}", file=sys.stderr)
        return 2
    print(f"criu {tool.version} works here ({tool.origin}: {tool.path})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
