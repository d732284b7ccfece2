"""bpf(2) as far as it is needed: a small assembler, loading, iterators and raw tracepoints.

Instruction format: Documentation/bpf/standardization/instruction-set.rst. Numbers of commands, helpers and
attach types: include/uapi/linux/bpf.h.
"""

import ctypes
import os
import platform
import struct
from dataclasses import dataclass, field

_SYSCALL = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280}

_MAP_CREATE, _MAP_LOOKUP, _PROG_LOAD, _OBJECT_INFO = 0, 1, 5, 15
_RAW_TRACEPOINT_OPEN, _LINK_CREATE, _ITER_CREATE = 17, 28, 33
_TYPE_TRACING, _ATTACH_RAW_TRACEPOINT, _ATTACH_TRACE_ITER = 26, 23, 28
_RECURSION_MISSES = 208
"""Where ``struct bpf_prog_info`` has it."""

MAP_LOOKUP_ELEMENT, MAP_UPDATE_ELEMENT = 1, 2
KTIME_GET_NS = 5
GET_CURRENT_PID_TGID = 14
GET_CURRENT_COMM = 16
PROBE_READ_KERNEL = 113
JIFFIES64 = 118
SEQ_WRITE = 127
RINGBUF_OUTPUT = 130
SKC_TO_TCP_SOCK = 137
SOCK_FROM_FILE = 162
GET_SOCKET_COOKIE = 46

_SIZE_BITS = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}  # BPF_B, BPF_H, BPF_W, BPF_DW
_LDX_MEM, _STX_MEM = 0x61, 0x63
_MOV_REGISTER, _MOV_NUMBER, _ADD_NUMBER, _ADD_REGISTER = 0xBF, 0xB7, 0x07, 0x0F
_SUBTRACT_REGISTER, _AND_NUMBER, _SHIFT_RIGHT_NUMBER = 0x1F, 0x57, 0x77
_JUMP, _JUMP_EQUAL_NUMBER, _JUMP_NOT_EQUAL_NUMBER, _JUMP_AT_MOST_NUMBER = 0x05, 0x15, 0x55, 0xB5
_CALL, _EXIT = 0x85, 0x95
_LOAD_64, _PSEUDO_MAP = 0x18, 1
_ATOMIC_ADD_64 = 0xDB

FRAME = 10
"""The register that holds the frame pointer; the stack lies below it, 512 bytes."""


class BpfError(Exception):
    """The kernel refused a program; ``errno`` as from bpf(2), the text ends with the verifier's last words."""

    def __init__(self, errno: int, text: str) -> None:
        super().__init__(text)
        self.errno = errno


@dataclass
class Program:
    """A program being written, one instruction a call; forward jumps lead to the end, where it returns 0."""

    code: list[bytes] = field(default_factory=list)
    to_end: list[int] = field(default_factory=list)

    def load(self, to: int, base: int, offset: int, size: int = 8) -> None:
        """Register ``to`` = ``size`` bytes at ``base + offset``, zero-extended."""
        self._emit(_LDX_MEM | _SIZE_BITS[size], to, base, offset)

    def store(self, base: int, offset: int, source: int, size: int = 8) -> None:
        """``size`` bytes at ``base + offset`` = register ``source``."""
        self._emit(_STX_MEM | _SIZE_BITS[size], base, source, offset)

    def copy(self, to: int, source: int) -> None:
        self._emit(_MOV_REGISTER, to, source)

    def number(self, to: int, value: int) -> None:
        """Register ``to`` = a 32-bit constant, sign-extended."""
        self._emit(_MOV_NUMBER, to, value=value)

    def add(self, to: int, value: int) -> None:
        self._emit(_ADD_NUMBER, to, value=value)

    def add_register(self, to: int, source: int) -> None:
        self._emit(_ADD_REGISTER, to, source)

    def subtract_register(self, to: int, source: int) -> None:
        self._emit(_SUBTRACT_REGISTER, to, source)

    def mask(self, to: int, value: int) -> None:
        """Register ``to`` &= a 32-bit constant."""
        self._emit(_AND_NUMBER, to, value=value)

    def shift_right(self, to: int, bits: int) -> None:
        self._emit(_SHIFT_RIGHT_NUMBER, to, value=bits)

    def map(self, to: int, descriptor: int) -> None:
        """Register ``to`` = the map."""
        self._emit(_LOAD_64, to, _PSEUDO_MAP, value=descriptor)
        self._emit(0)

    def count(self, to: int, by: int) -> None:
        """The 8 bytes at ``to`` += register ``by``, atomically."""
        self._emit(_ATOMIC_ADD_64, to, by)

    def call(self, helper: int) -> None:
        """Arguments in registers 1 to 5, result in 0; 1 to 5 are lost, 6 to 9 kept."""
        self._emit(_CALL, value=helper)

    def end_if_zero(self, register: int) -> None:
        self.to_end.append(len(self.code))
        self._emit(_JUMP_EQUAL_NUMBER, register)

    def end(self) -> None:
        self.to_end.append(len(self.code))
        self._emit(_JUMP)

    def end_if_equal(self, register: int, value: int) -> None:
        self.to_end.append(len(self.code))
        self._emit(_JUMP_EQUAL_NUMBER, register, value=value)

    def end_unless_equal(self, register: int, value: int) -> None:
        self.to_end.append(len(self.code))
        self._emit(_JUMP_NOT_EQUAL_NUMBER, register, value=value)

    def end_if_at_most(self, register: int, value: int) -> None:
        """End if the register is <= a constant, both unsigned."""
        self.to_end.append(len(self.code))
        self._emit(_JUMP_AT_MOST_NUMBER, register, value=value)

    def jump(self) -> int:
        """Go to where ``land`` says; what comes back is for ``land``. Likewise the following."""
        self._emit(_JUMP)
        return len(self.code) - 1

    def jump_if_equal(self, register: int, value: int) -> int:
        self._emit(_JUMP_EQUAL_NUMBER, register, value=value)
        return len(self.code) - 1

    def jump_unless_equal(self, register: int, value: int) -> int:
        self._emit(_JUMP_NOT_EQUAL_NUMBER, register, value=value)
        return len(self.code) - 1

    def land(self, *jumps: int) -> None:
        """Let these jumps lead to the next instruction."""
        for place in jumps:
            jump = self.code[place]
            self.code[place] = jump[:2] + struct.pack("<h", len(self.code) - place - 1) + jump[4:]

    def assemble(self) -> bytes:
        """The finished program."""
        code = list(self.code)
        for place in self.to_end:
            jump = code[place]
            code[place] = jump[:2] + struct.pack("<h", len(code) - place - 1) + jump[4:]
        return b"".join(code) + _instruction(_MOV_NUMBER) + _instruction(_EXIT)

    def _emit(self, opcode: int, to: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> None:
        self.code.append(_instruction(opcode, to, source, offset, value))


def _instruction(opcode: int, to: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return struct.pack("<BBhi", opcode, to | source << 4, offset, value)


def load_iterator(code: bytes, function: int, name: str) -> int:
    """Load a program for the iterator whose ``bpf_iter_*`` function has that BTF type number; a descriptor.

    Raises BpfError: EPERM without CAP_BPF and CAP_PERFMON, EACCES or EINVAL if the verifier refuses.
    """
    return _load(code, _ATTACH_TRACE_ITER, function, name)


def load_raw_tracepoint(code: bytes, typedef: int, name: str) -> int:
    """Load a program for the tracepoint whose ``btf_trace_*`` typedef has that BTF type number; a descriptor.

    Its context is an array of 8-byte arguments of the tracepoint. Raises BpfError as ``load_iterator`` does.
    """
    return _load(code, _ATTACH_RAW_TRACEPOINT, typedef, name)


def _load(code: bytes, attach_type: int, attach_to: int, name: str, kind: int = _TYPE_TRACING) -> int:
    instructions = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")  # the helpers used are open to GPL-compatible programs only
    attributes = bytearray(144)
    struct.pack_into(
        "<IIQQ", attributes, 0, kind, len(code) // 8, ctypes.addressof(instructions), ctypes.addressof(licence)
    )
    struct.pack_into("<15s", attributes, 48, name.encode())
    struct.pack_into("<I", attributes, 68, attach_type)
    struct.pack_into("<I", attributes, 108, attach_to)
    try:
        return _bpf(_PROG_LOAD, attributes)
    except BpfError as error:
        if error.errno not in {13, 22, 7}:  # EACCES, EINVAL, E2BIG: the verifier can say why
            raise
    log = ctypes.create_string_buffer(1 << 18)
    struct.pack_into("<IIQ", attributes, 24, 1, len(log), ctypes.addressof(log))
    try:
        return _bpf(_PROG_LOAD, attributes)
    except BpfError as error:
        last = " ".join(log.value.decode(errors="replace").splitlines()[-4:])
        raise BpfError(error.errno, f"{error}: {last}" if last else str(error)) from error


def load_program(kind: int, code: bytes, name: str) -> int:
    """Load a program of a type that is attached to nothing yet (``enum bpf_prog_type``); a descriptor.

    Raises BpfError as ``load_iterator`` does.
    """
    return _load(code, 0, 0, name, kind)


def attach_to_device(program: int, index: int, side: int) -> int:
    """Let a classifier run for each packet of a device of this network namespace (``BPF_TCX_*``); a link."""
    attributes = bytearray(64)
    struct.pack_into("<IIII", attributes, 0, program, index, side, 0)
    return _bpf(_LINK_CREATE, attributes)


def attach_iterator(program: int) -> int:
    """Make a link of a loaded iterator program; a descriptor. The program may be closed afterwards."""
    attributes = bytearray(64)
    struct.pack_into("<III", attributes, 0, program, 0, _ATTACH_TRACE_ITER)
    return _bpf(_LINK_CREATE, attributes)


def read_iterator(link: int, guess: int = 1 << 16) -> bytearray:
    """Run the iterator once over everything and return what the program wrote; ``guess`` bytes are set aside first."""
    attributes = bytearray(8)
    struct.pack_into("<II", attributes, 0, link, 0)
    content = bytearray(max(guess, 1 << 15))
    used = 0
    with os.fdopen(_bpf(_ITER_CREATE, attributes), "rb", buffering=0) as file:
        while True:
            if len(content) - used < 1 << 15:  # the kernel hands out 32 KiB at most (bpf_seq_read)
                content.extend(bytes(len(content)))
            with memoryview(content) as view:
                count = file.readinto(view[used:])
            if count is None:  # EAGAIN: a million objects passed by without output
                continue
            if count == 0:
                break
            used += count
    del content[used:]
    return content


def attach_raw_tracepoint(program: int) -> int:
    """Let a loaded program run at its tracepoint until the descriptor that is returned is closed."""
    attributes = bytearray(16)
    struct.pack_into("<QI", attributes, 0, 0, program)
    return _bpf(_RAW_TRACEPOINT_OPEN, attributes)


def missed_runs(program: int) -> int:
    """How often a program did not run because it interrupted itself on the same processor."""
    info = ctypes.create_string_buffer(256)
    attributes = bytearray(16)
    struct.pack_into("<IIQ", attributes, 0, program, len(info), ctypes.addressof(info))
    _bpf(_OBJECT_INFO, attributes)
    missed: int = struct.unpack_from("<Q", info, _RECURSION_MISSES)[0]
    return missed


def create_map(kind: int, key_bytes: int, value_bytes: int, entries: int) -> int:
    """A map of ``enum bpf_map_type``; a descriptor. Raises BpfError."""
    attributes = bytearray(72)
    struct.pack_into("<IIII", attributes, 0, kind, key_bytes, value_bytes, entries)
    return _bpf(_MAP_CREATE, attributes)


def first_count(descriptor: int) -> int:
    """The 8-byte number at index 0 of an array map."""
    key, value = ctypes.c_uint32(0), ctypes.c_uint64(0)
    attributes = bytearray(32)
    struct.pack_into("<I4xQQ", attributes, 0, descriptor, ctypes.addressof(key), ctypes.addressof(value))
    _bpf(_MAP_LOOKUP, attributes)
    return value.value


def _bpf(command: int, attributes: bytearray) -> int:
    number = _SYSCALL.get(platform.machine())
    if number is None:
        raise BpfError(38, f"bpf(2) is not known for {platform.machine()}")
    buffer = (ctypes.c_char * len(attributes)).from_buffer(attributes)
    result: int = ctypes.CDLL(None, use_errno=True).syscall(number, command, buffer, len(attributes))
    if result < 0:
        errno = ctypes.get_errno()
        raise BpfError(errno, os.strerror(errno))
    return result
