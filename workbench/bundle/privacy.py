"""What may be private in each field of evidence that holds text or bytes, and so how it is replaced.

Numbers, truth values and members of enumerations are written as they are: ports, process and user ids, inodes, sizes,
times and sequence numbers are what evidence is about. A field that is not in this table cannot be written at all.
"""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """What a text is, hence the rule by which it is replaced."""

    NAME = "name"
    """Of a host, a container, a pod: always replaced."""
    COMMAND = "command"
    """Of a program: replaced unless it is well known."""
    USER = "user"
    ADDRESS = "address"
    """Replaced; class, subnets and equality stay."""
    INTERFACE = "interface"
    MAC = "mac"
    PATH = "path"
    """Replaced component by component, but for directories that every system has."""
    SOURCE = "source"
    """A path, or ``live``."""
    WORD = "word"
    """Out of a closed set, as the kernel's and CRIU's are: replaced if it is not of it."""
    DOTTED = "dotted"
    """A sysctl's name, in which an interface may stand."""
    RELEASE = "release"
    """A version."""
    RUN_ID = "run-id"
    """Random, made by CRIU or the workbench; kept if it has the form of one."""
    TIME = "time"
    """A time of day as text; kept if it is one."""
    RULE = "rule"
    """Of netfilter: read word by word."""
    SENTENCE = "sentence"
    """The workbench's own words with things of the host among them."""
    LOG_TEXT = "log-text"
    """A line of CRIU's log: rebuilt of what CRIU prints."""
    LOG_MESSAGE = "log-message"
    LOG_SOURCE = "log-source"
    PREPARED = "prepared"
    """Left out or replaced before, as its record alone says how: arguments of programs, contents of queues."""


_K = Kind
KINDS: Mapping[str, Kind] = {
    "Evidence.sources": _K.SOURCE,
    "Evidence.files:key": _K.PATH,
    "Host.hostname": _K.NAME,
    "Host.kernel_release": _K.RELEASE,
    "Host.boot_id": _K.NAME,
    "Host.capabilities": _K.WORD,
    "Host.features:key": _K.WORD,
    "CriuTool.path": _K.PATH,
    "CriuTool.version": _K.RELEASE,
    "CriuTool.origin": _K.WORD,
    "CriuTool.detail": _K.SENTENCE,
    "Sysctl.name": _K.DOTTED,
    "Sysctl.value": _K.SENTENCE,
    "NetworkNamespace.path": _K.PATH,
    "NetworkNamespace.names": _K.PATH,
    "Process.command": _K.COMMAND,
    "Process.argv": _K.PREPARED,
    "Process.user": _K.USER,
    "Process.state": _K.WORD,
    "Process.exe": _K.PATH,
    "Process.cgroup": _K.PATH,
    "Container.engine": _K.WORD,
    "Container.id": _K.NAME,
    "Container.name": _K.NAME,
    "Descriptor.target": _K.PATH,
    "BorrowedSocket.local": _K.SENTENCE,
    "BorrowedSocket.peer": _K.SENTENCE,
    "BorrowedSocket.options:key": _K.WORD,
    "BorrowedSocket.options": _K.WORD,
    "BorrowedSocket.fresh:key": _K.WORD,
    "BorrowedSocket.fresh": _K.WORD,
    "Endpoint.address": _K.ADDRESS,
    "Holder.command": _K.COMMAND,
    "Socket.congestion": _K.WORD,
    "Socket.ulp": _K.WORD,
    "Rule.family": _K.WORD,
    "Rule.table": _K.WORD,
    "Rule.chain": _K.WORD,
    "Rule.text": _K.RULE,
    "Rule.hook": _K.WORD,
    "Rule.verdict": _K.RULE,
    "Lock.family": _K.WORD,
    "Lock.table": _K.WORD,
    "Lock.name": _K.SENTENCE,
    "Lock.directions": _K.WORD,
    "Lock.run_id_prefix": _K.RUN_ID,
    "Link.name": _K.INTERFACE,
    "Link.kind": _K.WORD,
    "Link.mac": _K.MAC,
    "Address.interface": _K.INTERFACE,
    "Address.address": _K.ADDRESS,
    "Address.scope": _K.WORD,
    "Route.destination": _K.ADDRESS,
    "Route.gateway": _K.ADDRESS,
    "Route.interface": _K.INTERFACE,
    "Route.source": _K.ADDRESS,
    "ConntrackEntry.state": _K.WORD,
    "ImageDirectory.path": _K.PATH,
    "ImageDirectory.run_id": _K.RUN_ID,
    "ImageDirectory.lock_method": _K.WORD,
    "ImageDirectory.problems": _K.SENTENCE,
    "ImageTask.command": _K.COMMAND,
    "ImageFile.path": _K.PATH,
    "ImageSocket.socket_options:key": _K.WORD,
    "ImageSocket.socket_options": _K.WORD,
    "ImageSocket.problem": _K.SENTENCE,
    "Queue.received": _K.PREPARED,
    "Queue.sent": _K.PREPARED,
    "ContainerCheckpoint.path": _K.PATH,
    "ContainerCheckpoint.images": _K.PATH,
    "ContainerCheckpoint.engine": _K.WORD,
    "ContainerCheckpoint.id": _K.NAME,
    "ContainerCheckpoint.name": _K.NAME,
    "ContainerCheckpoint.image": _K.PATH,
    "ContainerCheckpoint.runtime": _K.PATH,
    "ContainerCheckpoint.created": _K.TIME,
    "ContainerCheckpoint.checkpointed": _K.TIME,
    "ContainerCheckpoint.pod": _K.NAME,
    "ContainerCheckpoint.hostname": _K.NAME,
    "ContainerCheckpoint.network_namespace": _K.PATH,
    "ContainerCheckpoint.mounts": _K.PATH,
    "ContainerCheckpoint.problems": _K.SENTENCE,
    "ContainerAddress.interface": _K.INTERFACE,
    "ContainerAddress.address": _K.ADDRESS,
    "ContainerAddress.gateway": _K.ADDRESS,
    "ContainerAddress.mac": _K.MAC,
    "LogLine.text": _K.LOG_TEXT,
    "LogLine.level": _K.WORD,
    "LogLine.source": _K.LOG_SOURCE,
    "LogLine.message": _K.LOG_MESSAGE,
    "LogLine.file": _K.PATH,
    "LogDigest.file": _K.PATH,
    "LogDigest.criu": _K.RELEASE,
    "LogDigest.kernel": _K.RELEASE,
    "Capture.origin": _K.SOURCE,
    "Capture.comments": _K.SENTENCE,
    "Capture.problems": _K.SENTENCE,
    "CaptureInterface.name": _K.INTERFACE,
    "Packet.payload": _K.PREPARED,
    "Packet.comment": _K.SENTENCE,
    "UnfinishedOperation.id": _K.RUN_ID,
    "UnfinishedOperation.kind": _K.WORD,
    "UnfinishedOperation.last": _K.SENTENCE,
    "UnfinishedOperation.command": _K.SENTENCE,
    "UnfinishedOperation.images": _K.PATH,
    "Event.command": _K.COMMAND,
    "Event.owner_command": _K.COMMAND,
    "Event.reason": _K.WORD,
    "Event.details:key": _K.SENTENCE,
    "Event.details": _K.SENTENCE,
    "Target.operation": _K.WORD,
    "Target.title": _K.SENTENCE,
    "Target.images": _K.PATH,
    "Gap.section": _K.WORD,
    "Gap.reason": _K.SENTENCE,
    "Gap.remedy": _K.SENTENCE,
}
"""By record and field; ``:key`` where the keys of a mapping are meant."""
