"""The one table of what a person can do: bindings, footer, help and command palette are made of it."""

from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding, BindingType


class Where(StrEnum):
    """Where an action is available; the value is the heading in the help."""

    EVERYWHERE = "Everywhere"
    RECORDING = "In a bundle"
    TABLE = "Tables"
    ROWS = "Moving in a table"
    LINES = "Moving in a text"
    TARGETS = "Connections and Processes"
    CONNECTIONS = "Connections"
    PROCESSES = "Processes"
    CHECKPOINTS = "Checkpoints"
    TIMELINE = "Timeline"
    FINDINGS = "Findings"
    LOCKS = "Where a lock stands"
    OPERATION = "Operation"
    OPTIONS = "Options of an operation"
    ANSWERS = "Answers of one option"
    PLAN = "Plan"
    QUEUES = "Queues of a connection"
    PACKETS = "Packets of a connection"
    QUESTION = "A question"
    CHOICE = "A list to choose from"
    TEXT = "A text over the screen"
    DIALOG = "In every dialog"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a person can do; ``name`` is the method ``action_NAME`` and the id of its binding."""

    name: str
    keys: str
    """Textual's names, comma between alternatives; the first one is shown."""
    label: str
    help: str
    where: Where
    footer: bool = False
    shown_key: str | None = None
    first: bool = False
    """Before whatever has the focus: a field would keep Enter for itself."""
    live: bool = False
    """On a living host only; greyed out on a recording."""

    @property
    def id(self) -> str:
        """Identifier for remapping the key, e.g. ``table.filter``."""
        return f"{self.where.name.lower()}.{self.name}"

    @property
    def key_text(self) -> str:
        """The keys as a person reads them: ``j or down``."""
        names = {
            "question_mark": "?",
            "f1": "F1",
            "slash": "/",
            "space": "space",
            "pagedown": "PgDn",
            "pageup": "PgUp",
            "left_square_bracket": "[",
            "right_square_bracket": "]",
            "equals_sign": "=",
        }
        return " or ".join(names.get(key, key) for key in self.keys.split(","))


ACTIONS = (
    Action("show_connections", "1", "Connections", "Every TCP socket of every network namespace.", Where.EVERYWHERE),
    Action("show_processes", "2", "Processes", "Processes with their connections.", Where.EVERYWHERE),
    Action("show_netfilter", "3", "Netfilter", "Rules of every backend; CRIU's locks first.", Where.EVERYWHERE),
    Action("show_checkpoints", "4", "Checkpoints", "Image directories.", Where.EVERYWHERE),
    Action("show_timeline", "5", "Timeline", "What happens to connections, as it happens.", Where.EVERYWHERE),
    Action("show_findings", "6", "Findings", "What is wrong, why, and what to do.", Where.EVERYWHERE),
    Action("show_operation", "o", "Operation", "The dump or restore under way, or the last one.", Where.EVERYWHERE),
    Action("help", "question_mark,f1", "help", "What this screen is for, and all keys.", Where.EVERYWHERE, True, "?"),
    Action("meanings", "m", "meaning", "What each column and number of this screen means.", Where.EVERYWHERE),
    Action("pause", "space", "pause", "Hold the display still; looking goes on.", Where.EVERYWHERE, True),
    Action(
        "recover", "u", "unfinished", "Look at what an interrupted operation left behind.", Where.EVERYWHERE, live=True
    ),
    Action(
        "lab",
        "L",
        "lab",
        "Start the lab connection, to try a dump on; again: end it.",
        Where.EVERYWHERE,
        True,
        live=True,
    ),
    Action(
        "scenario",
        "S",
        "scenarios",
        "Perform a scenario of the lab from beginning to end, and read its report.",
        Where.EVERYWHERE,
        live=True,
    ),
    Action(
        "bundle",
        "B",
        "bundle",
        "Make one file of this for somebody else: a plan first.",
        Where.EVERYWHERE,
        live=True,
    ),
    Action("earlier", "left_square_bracket", "earlier", "The moment before.", Where.RECORDING, True, "["),
    Action("later", "right_square_bracket", "later", "The moment after.", Where.RECORDING, True, "]"),
    Action("changes", "equals_sign", "compare", "With the moment that was shown before.", Where.RECORDING),
    Action("step_back", "escape", "back", "One step back: clear the filter, leave a detail.", Where.EVERYWHERE),
    Action("leave", "q,ctrl+q", "quit", "Back from a detail; on a screen, quit.", Where.EVERYWHERE),
    Action(
        "filter", "slash", "filter", "Show only rows that contain every word typed; it stays.", Where.TABLE, True, "/"
    ),
    Action(
        "sort", "s", "sort", "Sort by a column: then its letter. A click on the heading does the same.", Where.TABLE
    ),
    Action("reverse", "r,R", "reverse", "Reverse the order (in Checkpoints: R).", Where.TABLE),
    Action("copy", "y", "copy", "Copy the detail of this row as text.", Where.TABLE),
    Action("copy_table", "Y", "copy table", "Copy the whole table as text, all columns.", Where.TABLE),
    Action("open", "enter", "open", "Give the detail the whole screen; escape goes back.", Where.ROWS, True),
    Action("cursor_down", "down,j", "down", "One row down.", Where.ROWS),
    Action("cursor_up", "up,k", "up", "One row up.", Where.ROWS),
    Action("page_down", "pagedown,ctrl+d", "page down", "One page down.", Where.ROWS),
    Action("page_up", "pageup,ctrl+u", "page up", "One page up.", Where.ROWS),
    Action("first", "home,g", "first", "To the first row.", Where.ROWS),
    Action("last", "end,G", "last", "To the last row.", Where.ROWS),
    Action("line_down", "down,j", "down", "One line down.", Where.LINES),
    Action("line_up", "up,k", "up", "One line up.", Where.LINES),
    Action("page_down", "pagedown,ctrl+d", "page down", "One page down.", Where.LINES),
    Action("page_up", "pageup,ctrl+u", "page up", "One page up.", Where.LINES),
    Action("first", "home,g", "first", "To the first line.", Where.LINES),
    Action("last", "end,G", "last", "To the last line.", Where.LINES),
    Action(
        "dump",
        "d",
        "dump",
        "Dump the process that holds this: a plan first.",
        Where.TARGETS,
        True,
        live=True,
    ),
    Action("timeline", "t", "timeline", "Show in the Timeline what happens to this.", Where.TARGETS),
    Action(
        "hand_off",
        "h",
        "hand off",
        "Give this connection to another process, or into a file: a plan first.",
        Where.CONNECTIONS,
        live=True,
    ),
    Action("why", "w", "why silent", "Watch it for three seconds, and say why nothing flows.", Where.CONNECTIONS),
    Action("migrate", "M", "migrate", "Move it to another host: a plan of both first.", Where.PROCESSES, live=True),
    Action("save_generation", "K", "keep", "Keep its state in memory; it runs on.", Where.PROCESSES, live=True),
    Action("roll_back", "Z", "roll back", "Back to a state that is kept: a plan first.", Where.PROCESSES, live=True),
    Action("queues", "q", "queues", "The bytes in its queues; Ctrl-Q quits.", Where.CONNECTIONS, live=True),
    Action("packets", "p", "packets", "Capture its segments, headers only, and list them.", Where.CONNECTIONS),
    Action("newest", "f", "newest", "Go to the newest row, and stay at the newest.", Where.TIMELINE, True),
    Action("only_connection", "c", "only this", "Only what concerns this row's connection.", Where.TIMELINE, True),
    Action("only_process", "p", "only process", "Only what concerns this row's process.", Where.TIMELINE),
    Action("only_namespace", "n", "only namespace", "Only what happens in this row's namespace.", Where.TIMELINE),
    Action("everything", "a", "all", "No longer only this; escape does the same.", Where.TIMELINE),
    Action(
        "restore",
        "r",
        "restore",
        "Restore these images, go back to this generation, or hand on this connection: a plan first.",
        Where.CHECKPOINTS,
        True,
        live=True,
    ),
    Action(
        "compare",
        "c",
        "compare",
        "Mark these images; then on another row: compare the two, on the same: with the host now.",
        Where.CHECKPOINTS,
    ),
    Action(
        "add",
        "a",
        "add",
        "Look at an image directory or a connection's file elsewhere.",
        Where.CHECKPOINTS,
        True,
        live=True,
    ),
    Action(
        "remove",
        "x",
        "remove lock",
        "Remove the lock if nobody needs it.",
        Where.LOCKS,
        True,
        live=True,
    ),
    Action("queues", "q", "queues", "The bytes in the queues of its connections; Ctrl-Q quits.", Where.CHECKPOINTS),
    Action("copy_fix", "y", "copy fix", "Copy the commands that put it right.", Where.FINDINGS, True),
    Action("unfold", "f", "unfold", "Show what follows from a finding in rows below it, and back.", Where.FINDINGS),
    Action("proceed", "c", "continue", "Go on from where the operation is held.", Where.OPERATION, True),
    Action("turn_back", "b", "turn back", "Undo: everything as it was before.", Where.OPERATION, True),
    Action("log", "l", "log", "CRIU's log alone, and back.", Where.OPERATION, True),
    Action("timeline", "t", "timeline", "The timeline of the operation's connections.", Where.OPERATION),
    Action("next_connection", "n", "next", "The next connection of the operation.", Where.OPERATION),
    Action("restore_now", "r", "restore", "Restore what was just dumped.", Where.OPERATION, True, live=True),
    Action("copy_report", "y", "copy", "Copy the report as text.", Where.OPERATION),
    Action("submit", "enter", "plan", "Show the plan; nothing is done yet.", Where.OPTIONS, True, first=True),
    Action("cancel", "escape", "back", "Go back without doing anything.", Where.OPTIONS, True),
    Action("next_question", "down", "next", "The next option.", Where.OPTIONS),
    Action("previous_question", "up", "previous", "The option before.", Where.OPTIONS),
    Action("next_answer", "right", "next answer", "The next answer.", Where.ANSWERS),
    Action("previous_answer", "left", "previous answer", "The answer before.", Where.ANSWERS),
    Action("mark_answer", "space", "mark", "Mark or unmark, where several may be chosen.", Where.ANSWERS),
    Action("line_down", "down", "down", "One line down.", Where.PLAN),
    Action("line_up", "up", "up", "One line up.", Where.PLAN),
    Action("page_down", "pagedown", "page down", "One page down.", Where.PLAN, True),
    Action("page_up", "pageup", "page up", "One page up.", Where.PLAN),
    Action("copy_plan", "ctrl+y", "copy", "Copy the plan as text.", Where.PLAN, True),
    Action("cancel", "escape", "back", "Go back; nothing has been done.", Where.PLAN, True),
    Action("cancel", "escape", "back", "Leave the question.", Where.QUESTION),
    Action("filter", "slash", "filter", "Show only what contains every word typed.", Where.CHOICE, True, "/"),
    Action("stop", "s", "stop and read", "Stop its holders for a moment, and read both.", Where.QUEUES, True),
    Action("go_live", "l", "live", "Look at the receive queue again as it changes.", Where.QUEUES, True),
    Action("search", "slash", "search", "Search for a text, or bytes as hex:48656c.", Where.QUEUES, True, "/"),
    Action("next_found", "n", "next", "The next place where it stands.", Where.QUEUES, True),
    Action("previous_found", "N", "previous", "The place before.", Where.QUEUES),
    Action("export", "e", "export", "Write each queue to a file.", Where.QUEUES, True),
    Action("close", "escape,q", "close", "Close the queues.", Where.QUEUES, True, "esc"),
    Action("toggle_capture", "p", "stop, start", "End the capture; again: begin a new one.", Where.PACKETS, True),
    Action("newest", "f", "newest", "Go to the newest segment, and stay at the newest.", Where.PACKETS, True),
    Action("notable", "n", "notable", "Only segments with something to note, and back.", Where.PACKETS, True),
    Action("copies", "c", "copies", "Also the same segments seen at other interfaces, and back.", Where.PACKETS),
    Action("save", "e", "save", "Write pcapng, which Wireshark opens.", Where.PACKETS, True),
    Action("copy", "y", "copy", "Copy the list as text.", Where.PACKETS),
    Action("close", "escape,q", "close", "End the capture and close the list.", Where.PACKETS, True, "esc"),
    Action("close", "escape,q,question_mark,f1,m", "close", "Close the text.", Where.TEXT, True, "esc"),
    Action(
        "help", "f1,question_mark", "help", "What is asked here, and the keys; in a field F1.", Where.DIALOG, True, "F1"
    ),
)


LIVE = frozenset(action.name for action in ACTIONS if action.live)
"""What can be done on a living host only."""
STEPS = frozenset(action.name for action in ACTIONS if action.where is Where.RECORDING)
"""What can be done on a recording only."""
BESIDE = frozenset({"lab", "pause"})
"""What a recording has no use for: not even greyed out, so that the footer has room for steps."""


def bindings(where: Where) -> list[BindingType]:
    """Textual's bindings of a place, each with its id."""
    return [
        Binding(
            action.keys,
            action.name,
            action.label,
            show=action.footer,
            tooltip=action.help,
            id=action.id,
            key_display=action.shown_key,
            priority=action.first,
        )
        for action in ACTIONS
        if action.where is where
    ]
