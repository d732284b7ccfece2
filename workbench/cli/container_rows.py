"""What a container engine wrote beside CRIU's images, for JSON."""

from dataclasses import asdict

from workbench.cli.document import Row
from workbench.evidence import ContainerCheckpoint
from workbench.present.text import printable


def container_row(found: ContainerCheckpoint) -> Row:
    """One container for JSON."""
    row = {name: printable(value) if isinstance(value, str) else value for name, value in asdict(found).items()}
    return row | {
        "addresses": [
            {name: printable(value) if isinstance(value, str) else value for name, value in asdict(each).items()}
            for each in found.addresses
        ],
        "mounts": [printable(mount) for mount in found.mounts],
        "problems": [printable(problem) for problem in found.problems],
    }
