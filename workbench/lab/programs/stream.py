"""The two directions of one lab connection, as far as bytes are concerned."""

from workbench.lab.programs.record import SIZE, Record, decode, encode, filler


class Incoming:
    """Verifies what arrives, byte for byte, in whatever pieces it comes."""

    def __init__(self, sender: str, unit: int = SIZE) -> None:
        """``unit``: bytes of one record with what fills it up; long ones are verified many times faster."""
        self._sender, self._unit = sender, unit
        self._rest = b""
        self.verified = 0
        """Bytes found to be right, always whole records."""
        self.problem = ""
        """What was wrong with the first wrong bytes, one sentence; from then on nothing is verified."""
        self.peer_verified = 0
        """What the other end says that it has verified of ours."""
        self.peer_mismatch: int | None = None
        """Position of the first wrong byte that the other end says it got; None if it complains of none."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        if self.problem:
            return
        data = self._rest + data
        end = len(data) - len(data) % self._unit
        for start in range(0, end, self._unit):
            self._take(data[start : start + self._unit])
            if self.problem:
                return
        self._rest = data[end:]

    def _take(self, piece: bytes) -> None:
        unit = self._unit
        due = self.verified // unit
        record = decode(piece[:SIZE])
        if record is None:
            self.problem = f"bytes {self.verified} to {self.verified + unit - 1} are not the record {due} that was due"
        elif record.sender != self._sender:
            self.problem = f"at byte {self.verified} a record of {record.sender} came back instead of {self._sender}'s"
        elif record.number > due:
            self.problem = f"at byte {self.verified} {(record.number - due) * unit} bytes were lost"
        elif record.number < due:
            self.problem = f"at byte {self.verified} came what stood {(due - record.number) * unit} bytes before"
        elif piece[SIZE:] != filler(due, unit - SIZE):
            self.problem = f"within bytes {self.verified + SIZE} to {self.verified + unit - 1} one is wrong"
        else:
            self.verified += unit
            if record.intact:
                self.peer_verified = record.reached
            elif self.peer_mismatch is None:
                self.peer_mismatch = record.reached


class Outgoing:
    """Makes the bytes to send, and keeps those that the socket did not take yet."""

    def __init__(self, sender: str, unit: int = SIZE) -> None:
        """``unit``: as the other end has it."""
        self._sender, self._unit = sender, unit
        self._next = 0
        self._pending = b""

    @property
    def sent(self) -> int:
        """Bytes that the socket took."""
        return self._next * self._unit - len(self._pending)

    @property
    def pending(self) -> bytes:
        """Bytes that were made and wait to be taken."""
        return self._pending

    def make(self, records: int, incoming: Incoming) -> None:
        """Append that many records; each tells how much of ``incoming`` is verified."""
        reached, intact = incoming.verified, not incoming.problem
        length = self._unit - SIZE
        fresh = (
            encode(Record(self._sender, number, reached, intact)) + filler(number, length)
            for number in range(self._next, self._next + records)
        )
        self._pending += b"".join(fresh)
        self._next += records

    def took(self, count: int) -> None:
        """The socket took the first ``count`` pending bytes."""
        self._pending = self._pending[count:]
