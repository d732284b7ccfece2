"""Where images are to be restored."""

from dataclasses import dataclass

from workbench.checking.phrases import inside, namespace_name
from workbench.checking.targets import restored, restored_netns
from workbench.evidence import Endpoint, Evidence, Gap, ImageDirectory, NetworkNamespace, not_collected

_ANY = {"0.0.0.0", "::"}  # noqa: S104 - judged, never bound to


@dataclass(frozen=True, slots=True)
class Landing:
    """Images, and the network namespace that exists already and that they must fit into."""

    image: ImageDirectory
    netns: int
    namespaces: tuple[NetworkNamespace, ...] | Gap

    @property
    def place(self) -> str:
        """The namespace as a person would name it."""
        return namespace_name(self.netns, self.namespaces)

    @property
    def entering(self) -> tuple[str, ...]:
        """Start of a command that is to run in the namespace."""
        return inside(self.netns, self.namespaces)


def landing(evidence: Evidence) -> Landing | Gap:
    """Where the target of a preflight will be restored; a Gap if it is none, or brings its own namespace."""
    if isinstance(evidence.target, Gap):
        return evidence.target
    image = restored(evidence.images, evidence.target)
    if image is None:
        return not_collected("target")
    if image.dumps_netns:
        return Gap("target", "the images bring their network namespace along")
    netns = restored_netns(evidence.target, evidence.namespaces)
    if netns is None:
        return Gap("target", "the network namespace of the restore is not known")
    return Landing(image, netns, evidence.namespaces)


def clash(one: Endpoint, other: Endpoint) -> bool:
    """Whether sockets at both would need one port, SO_REUSEADDR and SO_REUSEPORT apart."""
    return one.port == other.port and (one.address == other.address or bool({one.address, other.address} & _ANY))
