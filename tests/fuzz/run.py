"""``make fuzz``: every reader fed for SECONDS (60) with bytes that coverage finds interesting (atheris, libFuzzer).

    python tests/fuzz/run.py SECONDS [READER ...]

Each reader runs in a process of its own with little memory. What it finds stays in SCRATCH (a directory below the
temporary one) and is printed; inputs that led further are kept there for the next time.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

MEMORY_MB = 256
"""More than the reader's process needed before its first input."""
TIMEOUT_S = 5
LONGEST = 1 << 16
"""Bytes of one input: enough that quadratic time shows."""


def main() -> int:
    seconds, chosen = int(sys.argv[1]), sys.argv[2:]
    from tests.fuzz.readers import READERS, scratch

    failed = []
    for name in chosen or READERS:
        place = scratch() / name
        corpus = place / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(READERS[name].seeds()):
            (corpus / f"seed-{number}").write_bytes(seed[:LONGEST])
        words = READERS[name].dictionary or ("{",)
        (place / "dictionary").write_text("".join(f'"{_escaped(word)}"\n' for word in words))
        with (place / "said").open("w+") as said:
            command = [sys.executable, __file__, "--one", name, str(seconds), str(place)]
            done = subprocess.run(command, stdout=said, stderr=subprocess.STDOUT, check=False)
            said.seek(0)
            lines = said.read().splitlines()
        tried = next((line.split()[-1] for line in lines if "number_of_executed_units" in line), "few")
        found = f"FOUND, see {place}/said" if done.returncode else "nothing found"
        sys.stdout.write(f"{name}: {found} ({tried} inputs, {seconds} s)\n")
        sys.stdout.flush()
        failed += [name] if done.returncode else []
    return 1 if failed else 0


def _escaped(word: str) -> str:
    return word if word.startswith("\\x") else word.replace("\\", "\\\\").replace('"', '\\"')


def one(name: str, seconds: str, place: Path) -> None:
    """Feed one reader; does not return."""
    import atheris  # type: ignore[import-untyped]

    with atheris.instrument_imports(include=["workbench.read"]):
        from tests.fuzz.readers import READERS, only_the_documented_error

    reader = READERS[name]
    only_the_documented_error(reader, b"")  # what is imported late belongs to the beginning
    began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    os.chdir(place)
    atheris.Setup(
        [
            sys.argv[0],
            str(place / "corpus"),
            f"-max_total_time={seconds}",
            f"-timeout={TIMEOUT_S}",
            f"-rss_limit_mb={began + MEMORY_MB}",
            f"-max_len={LONGEST}",
            f"-dict={place / 'dictionary'}",
            f"-artifact_prefix={place}/",
            "-verbosity=0",
            "-print_final_stats=1",
        ],
        lambda content: only_the_documented_error(reader, content),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    if sys.argv[1] == "--one":
        one(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
    sys.exit(main())
