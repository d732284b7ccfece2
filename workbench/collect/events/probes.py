"""The BPF programs at raw tracepoints: each makes a record of what it sees and hands it to the ring."""

from workbench.collect import bpf
from workbench.collect.btf import Btf
from workbench.collect.events.records import HEADER_BYTES, OFFSETS, RECORD, Owned, Seen
from workbench.collect.ring_buffer import RingBuffer, write_output
from workbench.evidence.event import RST

IPPROTO_TCP = 6
_NO_HEADER = 0xFFFF
"""``skb->network_header`` of a segment that has none yet."""
_LENGTH = RECORD.itemsize
_HEADER = OFFSETS["header"]
_KEY = -_LENGTH - 32
KEY_BYTES, TTL_BYTES = 24, 4
"""Of the map that remembers the TTL with which segments of an address arrive in a namespace."""
_CONTEXT, _SOCK, _SEGMENT, _KEPT, _SCRATCH = 6, 7, 8, 9, 1


class Probes:
    """Writes the programs for one kernel."""

    def __init__(self, btf: Btf, ring: RingBuffer, ttls: int, least_reason: int) -> None:
        """``ttls``: descriptor of the map of TTLs; ``least_reason``: smaller drop reasons are left out."""
        self._btf = btf
        self._ring = ring
        self._ttls = ttls
        self._least_reason = least_reason

    def write(self, seen: Seen, arguments: int) -> bytes:
        """The program of one tracepoint that hands over so many arguments. Raises BtfError."""
        write = bpf.Program()
        write.copy(_CONTEXT, 1)
        match seen:
            case Seen.DROP:
                self._begin_drop(write, arguments)
            case Seen.TRANSMITTED:
                self._begin_transmitted(write)
            case Seen.ARRIVED:
                self._begin_arrived(write)
            case _:
                write.load(_SOCK, _CONTEXT, 0)
                if seen is Seen.STATE:
                    write.load(_SCRATCH, _SOCK, *self._place("sock", "sk_protocol"))
                    write.end_unless_equal(_SCRATCH, IPPROTO_TCP)
                _clear(write)
                if seen in {Seen.RESET_SENT, Seen.RETRANSMISSION}:
                    write.load(_SEGMENT, _CONTEXT, 8)
                else:
                    write.number(_SEGMENT, 0)
                if seen is Seen.RESET_SENT:
                    without = write.jump_if_equal(_SEGMENT, 0)
                    self._copy_header(write)
                    self._segment(write)
                    write.land(without)
        self._circumstances(write, seen)
        self._socket(write, is_argument=seen not in {Seen.TRANSMITTED, Seen.ARRIVED})
        if seen is Seen.DROP:
            write.load(_SCRATCH, bpf.FRAME, OFFSETS["netns"], 4)
            known = write.jump_unless_equal(_SCRATCH, 0)
            # On its way out a segment has no device yet, but the socket that it is from.
            write.load(_SOCK, _SEGMENT, *self._place("sk_buff", "sk"))
            self._socket(write, is_argument=False)
            write.land(known)
        elif seen is Seen.RESET_SENT:
            self._unread(write)
        write_output(write, self._ring, -_LENGTH, _LENGTH)
        return write.assemble()

    def _place(self, structure: str, path: str) -> tuple[int, int]:
        field = self._btf.field(structure, path)
        return field.offset, field.size

    def _begin_drop(self, write: bpf.Program, arguments: int) -> None:
        write.load(_SCRATCH, _CONTEXT, 16, 4)
        write.end_if_at_most(_SCRATCH, self._least_reason - 1)
        write.load(_SEGMENT, _CONTEXT, 0)
        if arguments > 3:
            write.load(_SOCK, _CONTEXT, 24)  # rx_sk, since Linux 6.11
        else:
            write.number(_SOCK, 0)
        self._only_ip(write)
        _clear(write)
        write.load(_SCRATCH, _SEGMENT, *self._place("sk_buff", "network_header"))
        write.end_if_equal(_SCRATCH, _NO_HEADER)
        self._copy_header(write)
        _only_tcp(write)
        self._segment(write)
        for name, argument, size in (("location", 8, 8), ("number", 16, 4)):
            write.load(_SCRATCH, _CONTEXT, argument, size)
            write.store(bpf.FRAME, OFFSETS[name], _SCRATCH, size)

    def _begin_transmitted(self, write: bpf.Program) -> None:
        write.load(_SEGMENT, _CONTEXT, 0)
        self._only_ip(write)
        write.load(_KEPT, _SEGMENT, *self._place("sk_buff", "network_header"))
        write.end_if_equal(_KEPT, _NO_HEADER)
        write.load(_SCRATCH, _SEGMENT, *self._place("sk_buff", "head"))
        write.add_register(_KEPT, _SCRATCH)
        _clear(write)
        write.copy(3, _KEPT)
        _copy(write, _HEADER, HEADER_BYTES)
        _only_tcp(write)
        _reset_bit(write)
        write.end_if_zero(_SCRATCH)
        write.load(_SOCK, _SEGMENT, *self._place("sk_buff", "sk"))
        self._segment(write)

    def _begin_arrived(self, write: bpf.Program) -> None:
        """All that arrives passes here: for a segment without RST only its TTL is remembered."""
        write.load(_SEGMENT, _CONTEXT, 0)
        self._only_ip(write)
        _clear(write)
        for offset in range(_KEY, _KEY + 32, 8):
            write.number(_SCRATCH, 0)
            write.store(bpf.FRAME, offset, _SCRATCH)
        write.load(_KEPT, _SEGMENT, *self._place("sk_buff", "data"))  # the IP header: the network header is not set yet
        write.copy(3, _KEPT)
        _copy(write, _HEADER, HEADER_BYTES)
        _only_tcp(write)
        write.number(_SOCK, 0)
        self._segment(write)
        write.load(_SCRATCH, bpf.FRAME, OFFSETS["netns"], 4)
        write.store(bpf.FRAME, _KEY + 16, _SCRATCH, 4)

        write.load(_SCRATCH, bpf.FRAME, _HEADER, 1)
        write.shift_right(_SCRATCH, 4)
        ipv6 = write.jump_if_equal(_SCRATCH, 6)
        write.load(_SCRATCH, bpf.FRAME, _HEADER + 12, 4)
        write.store(bpf.FRAME, _KEY, _SCRATCH, 4)
        write.load(_SCRATCH, bpf.FRAME, _HEADER + 8, 1)
        chosen = write.jump()
        write.land(ipv6)
        for offset in (0, 8):
            write.load(_SCRATCH, bpf.FRAME, _HEADER + 8 + offset)
            write.store(bpf.FRAME, _KEY + offset, _SCRATCH)
        write.load(_SCRATCH, bpf.FRAME, _HEADER + 7, 1)
        write.land(chosen)
        write.store(bpf.FRAME, _KEY + KEY_BYTES, _SCRATCH, TTL_BYTES)
        _reset_bit(write)
        write.copy(_KEPT, _SCRATCH)

        write.map(1, self._ttls)
        write.copy(2, bpf.FRAME)
        write.add(2, _KEY)
        write.call(bpf.MAP_LOOKUP_ELEMENT)
        reset = write.jump_unless_equal(_KEPT, 0)
        unknown = write.jump_if_equal(0, 0)
        write.load(_SCRATCH, bpf.FRAME, _KEY + KEY_BYTES, TTL_BYTES)
        write.store(0, 0, _SCRATCH, TTL_BYTES)
        write.end()
        write.land(unknown)
        write.map(1, self._ttls)
        write.copy(2, bpf.FRAME)
        write.add(2, _KEY)
        write.copy(3, 2)
        write.add(3, KEY_BYTES)
        write.number(4, 0)
        write.call(bpf.MAP_UPDATE_ELEMENT)
        write.end()
        write.land(reset)
        first = write.jump_if_equal(0, 0)
        write.load(_SCRATCH, 0, 0, TTL_BYTES)
        write.store(bpf.FRAME, OFFSETS["number"], _SCRATCH, 4)
        write.land(first)

    def _only_ip(self, write: bpf.Program) -> None:
        write.load(_SCRATCH, _SEGMENT, *self._place("sk_buff", "protocol"))
        ipv4 = write.jump_if_equal(_SCRATCH, 0x0008)  # ETH_P_IP and ETH_P_IPV6, as they stand in memory
        write.end_unless_equal(_SCRATCH, 0xDD86)
        write.land(ipv4)

    def _copy_header(self, write: bpf.Program) -> None:
        write.load(3, _SEGMENT, *self._place("sk_buff", "network_header"))
        write.load(_SCRATCH, _SEGMENT, *self._place("sk_buff", "head"))
        write.add_register(3, _SCRATCH)
        _copy(write, _HEADER, HEADER_BYTES)

    def _segment(self, write: bpf.Program) -> None:
        """The device that a segment came in by, and the namespace of the one that it is at."""
        write.load(_SCRATCH, _SEGMENT, *self._place("sk_buff", "skb_iif"))
        write.store(bpf.FRAME, OFFSETS["interface"], _SCRATCH, 4)
        # TCP takes the device away before it hands a segment to a socket; then the socket tells the namespace.
        write.load(_SCRATCH, _SEGMENT, *self._place("sk_buff", "dev"))
        absent = [write.jump_if_equal(_SCRATCH, 0)]
        write.load(_SCRATCH, _SCRATCH, *self._place("net_device", "nd_net.net"))
        absent.append(write.jump_if_equal(_SCRATCH, 0))
        write.load(_SCRATCH, _SCRATCH, *self._place("net", "ns.inum"))
        write.store(bpf.FRAME, OFFSETS["netns"], _SCRATCH, 4)
        write.land(*absent)

    @staticmethod
    def _circumstances(write: bpf.Program, seen: Seen) -> None:
        def keep(name: str, register: int, size: int = 8) -> None:
            write.store(bpf.FRAME, OFFSETS[name], register, size)

        write.call(bpf.KTIME_GET_NS)
        keep("at_ns", 0)
        write.call(bpf.GET_CURRENT_PID_TGID)
        write.shift_right(0, 32)
        keep("tgid", 0, 4)
        write.copy(1, bpf.FRAME)
        write.add(1, OFFSETS["command"])
        write.number(2, 16)
        write.call(bpf.GET_CURRENT_COMM)
        write.number(_SCRATCH, int(seen))
        keep("seen", _SCRATCH, 4)
        keep("sock", _SOCK)
        keep("segment", _SEGMENT)

    def _socket(self, write: bpf.Program, *, is_argument: bool) -> None:
        """Family, type, state, namespace and cookie of the socket, where there is one."""
        absent = [write.jump_if_equal(_SOCK, 0)]
        if is_argument:
            write.copy(1, _SOCK)
            write.call(bpf.GET_SOCKET_COOKIE)
        else:  # the verifier does not trust a pointer out of a segment; without a cookie so far it is 0
            write.load(0, _SOCK, self._place("sock", "__sk_common.skc_cookie")[0])
        write.store(bpf.FRAME, OFFSETS["cookie"], 0)
        write.load(_SCRATCH, _SOCK, *self._place("sock", "__sk_common.skc_family"))
        write.store(bpf.FRAME, OFFSETS["family"], _SCRATCH, 2)
        write.load(_SCRATCH, _SOCK, *self._place("sock", "sk_type"))
        write.store(bpf.FRAME, OFFSETS["type"], _SCRATCH, 1)
        write.load(_SCRATCH, _SOCK, *self._place("sock", "__sk_common.skc_state"))
        write.store(bpf.FRAME, OFFSETS["state"], _SCRATCH, 1)
        write.load(_SCRATCH, _SOCK, *self._place("sock", "__sk_common.skc_net.net"))
        absent.append(write.jump_if_equal(_SCRATCH, 0))
        write.load(_SCRATCH, _SCRATCH, *self._place("net", "ns.inum"))
        write.store(bpf.FRAME, OFFSETS["netns"], _SCRATCH, 4)
        write.land(*absent)

    def _unread(self, write: bpf.Program) -> None:
        """What the program has not read of what was received, and whether there is a program.

        The queue itself is already empty at close(2).
        """
        absent = [write.jump_if_equal(_SOCK, 0)]
        write.copy(1, _SOCK)
        write.call(bpf.SKC_TO_TCP_SOCK)
        absent.append(write.jump_if_equal(0, 0))
        write.load(_SCRATCH, 0, *self._place("tcp_sock", "rcv_nxt"))
        write.load(2, 0, *self._place("tcp_sock", "copied_seq"))
        write.subtract_register(_SCRATCH, 2)
        write.store(bpf.FRAME, OFFSETS["number"], _SCRATCH, 4)
        write.number(_SCRATCH, Owned.BY_NOBODY)
        write.store(bpf.FRAME, OFFSETS["interface"], _SCRATCH, 4)
        write.load(_SCRATCH, _SOCK, *self._place("sock", "sk_socket"))
        absent.append(write.jump_if_equal(_SCRATCH, 0))
        write.number(_SCRATCH, Owned.BY_A_PROGRAM)
        write.store(bpf.FRAME, OFFSETS["interface"], _SCRATCH, 4)
        write.land(*absent)


def _clear(write: bpf.Program) -> None:
    write.number(_SCRATCH, 0)
    for offset in range(-_LENGTH, 0, 8):
        write.store(bpf.FRAME, offset, _SCRATCH)


def _copy(write: bpf.Program, offset: int, length: int) -> None:
    """Copy from the address in register 3 to the stack; what cannot be read is zero."""
    write.copy(1, bpf.FRAME)
    write.add(1, offset)
    write.number(2, length)
    write.call(bpf.PROBE_READ_KERNEL)


def _only_tcp(write: bpf.Program) -> None:
    """End unless the header that was copied announces TCP; IPv6 extension headers are not followed."""
    write.load(_SCRATCH, bpf.FRAME, _HEADER, 1)
    write.shift_right(_SCRATCH, 4)
    ipv6 = write.jump_if_equal(_SCRATCH, 6)
    write.load(_SCRATCH, bpf.FRAME, _HEADER + 9, 1)
    chosen = write.jump()
    write.land(ipv6)
    write.load(_SCRATCH, bpf.FRAME, _HEADER + 6, 1)
    write.land(chosen)
    write.end_unless_equal(_SCRATCH, IPPROTO_TCP)


def _reset_bit(write: bpf.Program) -> None:
    """RST or 0 in the scratch register, for the IP packet at ``_KEPT`` whose header was copied.

    Where the TCP header is, its own place in the segment tells: ``skb->transport_header`` is not set by everybody.
    """
    write.load(2, bpf.FRAME, _HEADER, 1)
    write.copy(_SCRATCH, 2)
    write.shift_right(_SCRATCH, 4)
    ipv6 = write.jump_if_equal(_SCRATCH, 6)
    write.mask(2, 15)
    write.add_register(2, 2)
    write.add_register(2, 2)  # it counts words of 4 bytes
    chosen = write.jump()
    write.land(ipv6)
    write.number(2, 40)
    write.land(chosen)
    write.copy(3, _KEPT)
    write.add_register(3, 2)
    write.add(3, 13)
    _copy(write, _KEY - 8, 1)
    write.load(_SCRATCH, bpf.FRAME, _KEY - 8, 1)
    write.mask(_SCRATCH, RST)
