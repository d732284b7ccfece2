"""The screen as plain lines: what tests compare and people read in a diff."""

from textual.app import App


def screen_lines(app: App[int]) -> list[str]:
    """Every line of the terminal without its styles, trailing spaces cut."""
    # The compositor is Textual's own; it is reached nowhere else, so that a release that moves it breaks one line.
    strips = app.screen._compositor.render_strips(app.size)  # noqa: SLF001
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]
