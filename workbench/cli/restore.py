"""``workbench restore``: processes brought back from images, their connections proved to go on."""

import argparse

from workbench.cli.guided import add_common, carry_out
from workbench.operation.request import Hold, Policy, RestoreRequest

EXAMPLES = """\
examples:
  workbench restore -D images --plan               what it would do, and what stands in the way
  workbench restore -D images --yes                done, and every connection proved to go on
  workbench restore -D images --hold restored      held before the connections are unlocked
  workbench restore -D images --keep-peer          the peers are answered meanwhile, and data flows at once afterwards

exit status: 0 every connection is proved to go on; 1 failed, turned back or in doubt; 2 it cannot be done, or was not
confirmed; 130 interrupted and turned back
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "restore",
        help="restore processes with their connections",
        description="Restore a process tree from CRIU's images, and prove that its connections go on.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-D", "--images", required=True, metavar="DIR", help="image directory")
    parser.add_argument("--policy", choices=[each.value for each in Policy], help="default: as it was dumped")
    parser.add_argument("--netns", metavar="PATH", help="network namespace; default: the one that it was dumped in")
    parser.add_argument(
        "--keep-peer", action="store_true", help="answer the peers until the unlock, if nobody does (workbench keeper)"
    )
    add_common(parser, (Hold.RESTORED,))
    parser.set_defaults(func=restore)


def restore(options: argparse.Namespace) -> int:
    """Plan it, and carry it out."""
    from workbench.operation.container_operations import operation_of
    from workbench.operation.planning import prepare_restore

    request = RestoreRequest(
        images=options.images,
        policy=Policy(options.policy) if options.policy else None,
        holds=frozenset(map(Hold, options.hold)),
        netns=options.netns,
        keep_peer=options.keep_peer,
    )
    return carry_out(prepare_restore(request), operation_of, options)
