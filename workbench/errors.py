"""The one exception that a user can act on."""


class WorkbenchError(Exception):
    """Something that the user can put right; everything else is a bug or a Gap.

    ``message`` is one sentence on what is wrong, ``hint`` one on the way out (may be empty).
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message
