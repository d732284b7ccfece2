"""``workbench dump``: a process dumped with its connections, planned, watched and journaled."""

import argparse

from workbench.cli.guided import add_common, carry_out
from workbench.operation.request import DumpRequest, Hold, LockMethod, Policy

EXAMPLES = """\
examples:
  workbench dump 4645 -D images --plan             what it would do, and what stands in the way
  workbench dump 4645 -D images                    shown, confirmed by typing the pid, done
  workbench dump 4645 -D images --yes              without a question, for scripts
  workbench dump 4645 -D images --leave-running    the process runs on; its connections are proved to go on
  workbench dump 4645 -D images --keep-peer        the peers are answered until the restore, so that they wait
  workbench dump --container web -D images         a container, by its engine (runc, or podman with runc)

exit status: 0 done (and proved, with --leave-running); 1 failed, turned back or in doubt; 2 it cannot be done, or
was not confirmed; 130 interrupted and turned back
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "dump",
        help="dump a process with its connections",
        description="Dump a process tree by CRIU, its TCP connections kept alive.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("pid", type=int, nargs="?", metavar="PID", help="root of the tree")
    target.add_argument(
        "--container", metavar="ID", help="a container of runc or podman: its engine dumps it, at our word"
    )
    parser.add_argument("-D", "--images", required=True, metavar="DIR", help="image directory; made, or empty")
    parser.add_argument("--lock", choices=[each.value for each in LockMethod], default=LockMethod.NFTABLES.value)
    parser.add_argument("--policy", choices=[each.value for each in Policy], default=Policy.KEEP.value)
    parser.add_argument("--leave-running", action="store_true", help="the processes run on afterwards")
    for name, what in (
        ("file-locks", "file locks that are held"),
        ("shell-job", "a session led from outside"),
        ("ext-unix-sk", "unix sockets that lead out of the tree"),
    ):
        help_ = f"dump {what} too (proposed by the plan where it is needed)"
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=None, help=help_)
    parser.add_argument(
        "--keep-peer", action="store_true", help="keep the peers from giving up until the restore (workbench keeper)"
    )
    parser.add_argument("--skip-in-flight", action="store_true", help="lose connections that were not accepted yet")
    add_common(parser, (Hold.FROZEN, Hold.IMAGES_COMPLETE))
    parser.set_defaults(func=dump)


def dump(options: argparse.Namespace) -> int:
    """Plan it, and carry it out."""
    from workbench.operation.container_operations import operation_of
    from workbench.operation.planning import prepare_dump

    request = DumpRequest(
        pid=_root(options),
        images=options.images,
        lock=LockMethod(options.lock),
        policy=Policy(options.policy),
        leave_running=options.leave_running,
        holds=frozenset(map(Hold, options.hold)),
        file_locks=options.file_locks,
        shell_job=options.shell_job,
        ext_unix_sk=options.ext_unix_sk,
        skip_in_flight=options.skip_in_flight,
        keep_peer=options.keep_peer,
    )
    return carry_out(prepare_dump(request), operation_of, options)


def _root(options: argparse.Namespace) -> int:
    if options.container is None:
        return int(options.pid)
    from workbench.operation.container import container_named

    return container_named(options.container)[1]
