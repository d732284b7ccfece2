"""``workbench completion``: commands, options, codes of checks and names of scenarios, completed by the shell."""

import argparse
from collections.abc import Iterator, Sequence

from workbench.cli.exit_status import ExitStatus

SHELLS = ("bash", "zsh", "fish")
EXAMPLES = """\
examples:
  source <(workbench completion bash)      in this shell only

to have it in every new shell:
  bash   workbench completion bash > ~/.local/share/bash-completion/completions/workbench
  zsh    workbench completion zsh > ~/.zfunc/_workbench        (with ~/.zfunc in fpath, before compinit)
  fish   workbench completion fish > ~/.config/fish/completions/workbench.fish

Codes and names are those of now: make it anew after an update, or when you have added checks of your own.
"""
FILES = frozenset({"sources", "file", "output"})
DIRECTORIES = frozenset({"images", "directory"})
CHECKS = frozenset({"check"})
LISTS = frozenset({"select", "ignore"})
"""Arguments, by the name under which the parser keeps them; the last take several codes with commas between them."""

# What stands before the last comma stays as it is; what stands there already is not offered again.
_LIST = {
    "bash": """\
_workbench_codes() {{
  local begun=${{1##*,}} code
  local given=${{1%"$begun"}}
  for code in {codes}; do
    [[ $code == "$begun"* && ",$given" != *,"$code",* ]] && printf '%s\\n' "$given$code"
  done
  return 0
}}""",
    "zsh": """\
_workbench_codes() {{
  _sequence compadd - {codes}
}}""",
    "fish": """\
function _workbench_codes
  printf '%s\\n' {codes}
end""",
}


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "completion",
        help="completion for bash, zsh or fish",
        description="Print the completion script of a shell.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(func=completion)


def completion(options: argparse.Namespace) -> int:
    """Print the script, made of the parser of all commands."""
    import shtab

    from workbench.cli.main import build_parser

    parser = build_parser()
    prepare(parser)
    print(shtab.complete(parser, shell=options.shell))
    return ExitStatus.CLEAN


def prepare(parser: argparse.ArgumentParser) -> None:
    """Say of each argument what can stand there; the parser is then good for completion only."""
    import shtab

    from workbench.checking.loading import entries
    from workbench.checking.requirements import FAMILIES
    from workbench.lab.scenario import names

    known = entries()
    codes = list(dict.fromkeys(entry.code for entry in known))
    check_names = list(dict.fromkeys(entry.name for entry in known))
    scenarios = list(names())
    for command, action in _arguments(parser):
        if action.dest in CHECKS:
            action.choices = [*codes, *check_names]
        elif action.dest in LISTS:
            action.complete = _list_of([*codes, *FAMILIES])  # type: ignore[attr-defined]
        elif action.dest == "name" and "lab" in command:
            action.choices = scenarios
        elif action.dest in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.dest in DIRECTORIES:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]


def _list_of(words: Sequence[str]) -> dict[str, object]:
    """How shtab has some words with commas between them completed."""
    functions = {shell: text.format(codes=" ".join(words)) for shell, text in _LIST.items()}
    called = {"bash": "_workbench_codes", "zsh": "_workbench_codes"}
    return {**called, "fish": "(__fish_complete_list , _workbench_codes)", "preamble": functions}


def _arguments(
    parser: argparse.ArgumentParser, command: Sequence[str] = ()
) -> Iterator[tuple[Sequence[str], argparse.Action]]:
    """Every argument of a parser and of its commands, with the words that lead to it."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them, and shtab does the same
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            for name, below in action.choices.items():
                yield from _arguments(below, (*command, name))
        else:
            yield command, action
