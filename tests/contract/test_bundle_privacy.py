"""Of every field of evidence that holds text or bytes somebody has said what may be private in it."""

from workbench.bundle.privacy import KINDS
from workbench.evidence.recording import places


def test_every_field_with_text_has_a_kind() -> None:
    """A new one that has none cannot be written: name it in workbench/bundle/privacy.py."""
    found = {f"{place.record}.{place.field}{':key' if place.key else ''}" for place in places()}
    assert found - KINDS.keys() == set()
    assert KINDS.keys() - found == set()
