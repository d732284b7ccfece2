"""bpf(2) as far as iterators need it: a small assembler, loading, and reading what an iterator writes.

Instruction format: Documentation/bpf/standardization/instruction-set.rst. Numbers of commands, helpers and
attach types: include/uapi/linux/bpf.h.
"""

import ctypes
import os
import platform
import struct
from dataclasses import dataclass, field

_SYSCALL = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280}

_PROG_LOAD, _LINK_CREATE, _ITER_CREATE = 5, 28, 33
_TYPE_TRACING, _ATTACH_TRACE_ITER = 26, 28

SEQ_WRITE = 127
SKC_TO_TCP_SOCK = 137
SOCK_FROM_FILE = 162
GET_SOCKET_COOKIE = 46

_SIZE_BITS = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}  # BPF_B, BPF_H, BPF_W, BPF_DW
_LDX_MEM, _STX_MEM = 0x61, 0x63
_MOV_REGISTER, _MOV_NUMBER, _ADD_NUMBER = 0xBF, 0xB7, 0x07
_JUMP_EQUAL_NUMBER, _CALL, _EXIT = 0x15, 0x85, 0x95

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

    def call(self, helper: int) -> None:
        """Arguments in registers 1 to 5, result in 0; 1 to 5 are lost, 6 to 9 kept."""
        self._emit(_CALL, value=helper)

    def end_if_zero(self, register: int) -> None:
        self.to_end.append(len(self.code))
        self._emit(_JUMP_EQUAL_NUMBER, register)

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
    instructions = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")  # the helpers used are open to GPL-compatible programs only
    attributes = bytearray(144)
    struct.pack_into(
        "<IIQQ", attributes, 0, _TYPE_TRACING, len(code) // 8, ctypes.addressof(instructions), ctypes.addressof(licence)
    )
    struct.pack_into("<15s", attributes, 48, name.encode())
    struct.pack_into("<I", attributes, 68, _ATTACH_TRACE_ITER)
    struct.pack_into("<I", attributes, 108, function)
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
