"""A removal of every lock in one namespace that kills itself before its second command; argument: the namespace."""

import os
import signal
import sys

from workbench.collect.within import within
from workbench.operation import unlock
from workbench.operation.remove_locks import look, plan_removal, remove

run = unlock._run_one
commands: list[unlock.Command] = []


def run_all(given: object, namespace: object) -> None:
    for command in given:  # type: ignore[attr-defined]
        if commands:
            os.kill(os.getpid(), signal.SIGKILL)
        commands.append(command)
        within(namespace, lambda command=command: run(command))  # type: ignore[arg-type, misc]


def main() -> None:
    unlock._run = run_all  # type: ignore[assignment]
    netns = int(sys.argv[1])
    plan = plan_removal(look(), only=lambda use: use.lock.netns == netns, even_if_needed=True)
    remove(plan)


if __name__ == "__main__":
    main()
