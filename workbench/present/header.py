"""The one line on top: where this is, whether CRIU works, how fresh it is, what is unfinished or wrong."""

from workbench.evidence import Evidence, Gap, Host
from workbench.present.findings import counted
from workbench.present.judgement import NOTHING_JUDGED, Judgement
from workbench.present.line import Line, Piece, Tone, line
from workbench.present.text import printable
from workbench.present.units import count, duration

_CRIU_WORDS = {True: ("works", Tone.GOOD), False: ("fails here", Tone.BAD), None: ("untried", Tone.DIM)}


def header_line(
    label: str,
    evidence: Evidence | None,
    freshness: str,
    width: int,
    *,
    paused: bool,
    judgement: Judgement = NOTHING_JUDGED,
) -> Line:
    """Left the host, right how fresh it is; what does not fit is left out from the middle."""
    left: list[Piece] = [(" workbench ", Tone.STRONG), (printable(label), Tone.NORMAL)]
    if evidence is not None:
        left += _host(evidence.host) + _unfinished(evidence)
        if evidence.gaps and width >= 100:
            left.append((f"  {count(len(evidence.gaps), 'gap')}", Tone.WARNING))
    left += counted(judgement)
    right = f"{freshness} "
    while len(left) > 2 and sum(len(text) for text, _ in left) + len(right) + 1 > width:
        left.pop(2 if len(left) > 3 else -1)
    used = sum(len(text) for text, _ in left) + len(right)
    return line(*left, " " * max(width - used, 1), (right, Tone.WARNING if paused else Tone.DIM))


def freshness(*, live: bool, paused: bool, interval_s: float, behind_s: float, slow: bool = False) -> str:
    """``live 1 s``, ``paused, 12 s behind``, ``recorded``."""
    if not live:
        return "recorded"
    if paused:
        return f"paused, {duration(behind_s)} behind"
    return f"no answer for {duration(behind_s)}" if slow else f"live {duration(interval_s)}"


def _host(host: Host | Gap) -> list[Piece]:
    if isinstance(host, Gap):
        return []
    pieces = [(f"  {printable(host.kernel_release)}", Tone.DIM)]
    if host.uid != 0:
        pieces.append(("  not root", Tone.WARNING))
    criu = host.criu
    if criu is None:
        pieces.append(("  no CRIU", Tone.BAD))
    else:
        word, tone = _CRIU_WORDS[criu.works]
        pieces.append((f"  criu {printable(criu.version)} {word}", tone))
    return pieces


def _unfinished(evidence: Evidence) -> list[Piece]:
    if isinstance(evidence.unfinished, Gap):
        return []
    waiting = [operation for operation in evidence.unfinished if not operation.workbench_alive]
    return [(f"  {len(waiting)} unfinished", Tone.BAD)] if waiting else []
