from pathlib import Path

from workbench.collect.live import SECTIONS, LiveSource
from workbench.evidence import Gap


def test_without_proc_every_section_that_needs_it_is_a_gap(tmp_path: Path) -> None:
    source = LiveSource(SECTIONS - {"sequences"}, trees=[1], proc=tmp_path)
    evidence = source.evidence()
    source.close()
    assert {name for name in SECTIONS if not isinstance(getattr(evidence, name), Gap)} == {"host"}
    assert {gap.section for gap in evidence.gaps} == SECTIONS - {"host", "sequences", "images", "unfinished"} | {
        "namespaces"
    }
    assert {gap.remedy for gap in evidence.gaps} == {"mount proc on /proc"}
