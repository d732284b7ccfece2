"""Frozen records of what is known: the only thing that passes from collectors and readers upward.

Each is loaded when it is first asked for: a log is judged in less time than all of them would take.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.evidence.borrowed import BorrowedSocket as BorrowedSocket
    from workbench.evidence.checkpoint import ContainerAddress as ContainerAddress
    from workbench.evidence.checkpoint import ContainerCheckpoint as ContainerCheckpoint
    from workbench.evidence.event import Event as Event
    from workbench.evidence.event import EventKind as EventKind
    from workbench.evidence.evidence import Evidence as Evidence
    from workbench.evidence.evidence import not_collected as not_collected
    from workbench.evidence.file_status import FileStatus as FileStatus
    from workbench.evidence.gap import Gap as Gap
    from workbench.evidence.host import CriuTool as CriuTool
    from workbench.evidence.host import Host as Host
    from workbench.evidence.host import Part as Part
    from workbench.evidence.host import Sysctl as Sysctl
    from workbench.evidence.image import DumpStats as DumpStats
    from workbench.evidence.image import ImageDirectory as ImageDirectory
    from workbench.evidence.image import ImageFile as ImageFile
    from workbench.evidence.image import ImageSocket as ImageSocket
    from workbench.evidence.image import ImageTask as ImageTask
    from workbench.evidence.image import Queue as Queue
    from workbench.evidence.image import RestoreStats as RestoreStats
    from workbench.evidence.log import LogLine as LogLine
    from workbench.evidence.log import Stage as Stage
    from workbench.evidence.log_digest import LogDigest as LogDigest
    from workbench.evidence.log_digest import LogKind as LogKind
    from workbench.evidence.log_digest import Outcome as Outcome
    from workbench.evidence.netfilter import Backend as Backend
    from workbench.evidence.netfilter import Lock as Lock
    from workbench.evidence.netfilter import LockScope as LockScope
    from workbench.evidence.netfilter import Rule as Rule
    from workbench.evidence.netfilter import SetElements as SetElements
    from workbench.evidence.network import Address as Address
    from workbench.evidence.network import ConntrackEntry as ConntrackEntry
    from workbench.evidence.network import Link as Link
    from workbench.evidence.network import Network as Network
    from workbench.evidence.network import NetworkNamespace as NetworkNamespace
    from workbench.evidence.network import Route as Route
    from workbench.evidence.packet import Capture as Capture
    from workbench.evidence.packet import CaptureInterface as CaptureInterface
    from workbench.evidence.packet import Packet as Packet
    from workbench.evidence.process import Container as Container
    from workbench.evidence.process import Descriptor as Descriptor
    from workbench.evidence.process import DescriptorKind as DescriptorKind
    from workbench.evidence.process import Namespaces as Namespaces
    from workbench.evidence.process import Process as Process
    from workbench.evidence.sequences import Sequences as Sequences
    from workbench.evidence.sequences import distance as distance
    from workbench.evidence.socket import Connection as Connection
    from workbench.evidence.socket import Endpoint as Endpoint
    from workbench.evidence.socket import Holder as Holder
    from workbench.evidence.socket import Socket as Socket
    from workbench.evidence.socket import SocketMemory as SocketMemory
    from workbench.evidence.socket import SocketTimer as SocketTimer
    from workbench.evidence.socket import TcpInfo as TcpInfo
    from workbench.evidence.socket import TcpState as TcpState
    from workbench.evidence.target import Target as Target
    from workbench.evidence.unfinished import UnfinishedOperation as UnfinishedOperation

HOMES = {
    "BorrowedSocket": "borrowed",
    "ContainerAddress": "checkpoint",
    "ContainerCheckpoint": "checkpoint",
    "Event": "event",
    "EventKind": "event",
    "Evidence": "evidence",
    "not_collected": "evidence",
    "FileStatus": "file_status",
    "Gap": "gap",
    "CriuTool": "host",
    "Host": "host",
    "Part": "host",
    "Sysctl": "host",
    "DumpStats": "image",
    "ImageDirectory": "image",
    "ImageFile": "image",
    "ImageSocket": "image",
    "ImageTask": "image",
    "Queue": "image",
    "RestoreStats": "image",
    "LogLine": "log",
    "Stage": "log",
    "LogDigest": "log_digest",
    "LogKind": "log_digest",
    "Outcome": "log_digest",
    "Backend": "netfilter",
    "Lock": "netfilter",
    "LockScope": "netfilter",
    "Rule": "netfilter",
    "SetElements": "netfilter",
    "Address": "network",
    "ConntrackEntry": "network",
    "Link": "network",
    "Network": "network",
    "NetworkNamespace": "network",
    "Route": "network",
    "Capture": "packet",
    "CaptureInterface": "packet",
    "Packet": "packet",
    "Container": "process",
    "Descriptor": "process",
    "DescriptorKind": "process",
    "Namespaces": "process",
    "Process": "process",
    "Sequences": "sequences",
    "distance": "sequences",
    "Connection": "socket",
    "Endpoint": "socket",
    "Holder": "socket",
    "Socket": "socket",
    "SocketMemory": "socket",
    "SocketTimer": "socket",
    "TcpInfo": "socket",
    "TcpState": "socket",
    "Target": "target",
    "UnfinishedOperation": "unfinished",
}
"""Module of each name."""


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
    return found
