"""Why a connection is silent, in lines."""

from workbench.evidence.silence import Answer, Silent
from workbench.present.line import Line, Tone, line
from workbench.present.text import printable

_TONES = {Silent.FLOWS: Tone.GOOD, Silent.NOTHING_TO_SEND: Tone.GOOD, Silent.UNKNOWN: Tone.WARNING}


def silence_lines(answer: Answer) -> list[Line]:
    """The answer, what shows it, and what to do."""
    lines = [
        line((printable(str(answer.connection)), Tone.STRONG)),
        line((f"{answer.why.value}: ", _TONES.get(answer.why, Tone.BAD)), printable(answer.sentence)),
        line(),
    ]
    lines += [line((f"  {proof.source:10} ", Tone.DIM), printable(proof.text)) for proof in answer.proof]
    if answer.advice:
        lines += [line(), line(("What to do  ", Tone.HEADING), printable(answer.advice))]
    return lines
