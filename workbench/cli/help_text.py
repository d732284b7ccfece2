"""How --help is written: paragraphs fill the terminal's width, and examples stay as they are."""

import argparse
import textwrap
from itertools import groupby


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Wraps what stands at the margin between words; lines that are indented, and empty ones, are kept."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = []
        for is_prose, lines in groupby(text.strip("\n").splitlines(), key=lambda line: line[:1].strip() != ""):
            block = list(lines)
            paragraphs += textwrap.wrap(" ".join(block), width) if is_prose else block
        return "".join(f"{indent}{line}\n" for line in paragraphs)


class Parser(argparse.ArgumentParser):
    """An argument parser whose own help, and that of all commands below it, is written so."""

    def _get_formatter(self) -> argparse.HelpFormatter:
        return HelpFormatter(prog=self.prog)
