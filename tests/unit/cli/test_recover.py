import pytest

from tests.unprivileged import as_nobody
from workbench.cli import recover
from workbench.cli.main import build_parser
from workbench.errors import WorkbenchError


@pytest.mark.root
def test_nobody_is_not_told_that_nothing_was_interrupted() -> None:
    options = build_parser().parse_args(["recover"])

    def said() -> str:
        try:
            recover.recover_all(options)
        except WorkbenchError as error:
            return str(error)
        return ""

    assert "root" in as_nobody(said)
