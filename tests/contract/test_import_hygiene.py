"""What may not be loaded where: the static import contracts cannot see which imports are deferred."""

import json
import subprocess
import sys

import pytest

from workbench.cli.main import COMMANDS

HEAVY = ("textual", "rich", "scapy", "numpy", "pyroute2", "iptc", "pycriu")


def _loaded(code: str) -> set[str]:
    """Top-level names of the modules that ``code`` loads in a fresh interpreter."""
    script = f"{code}\nimport sys, json; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", COMMANDS)
def test_registering_a_command_loads_nothing_heavy(command: str) -> None:
    assert _loaded(f"import workbench.cli.{command}").isdisjoint(HEAVY)


def test_the_parser_of_all_commands_loads_nothing_heavy() -> None:
    assert _loaded("from workbench.cli.main import build_parser; build_parser()").isdisjoint(HEAVY)


def test_evidence_loads_nothing_but_the_standard_library() -> None:
    assert _loaded("import workbench.evidence").isdisjoint(HEAVY)


def test_what_the_application_loads_was_compiled_at_setup() -> None:
    script = """
import json, os, sys, workbench.tui.app
cached = [getattr(module, "__cached__", None) for module in sys.modules.values()]
print(json.dumps([path for path in cached if path and "site-packages" in path and not os.path.exists(path)]))
"""
    command = (sys.executable, "-B", "-c", script)
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == []
