"""What goes on now, drawn below what scrolls by."""

import time

from rich.console import Group
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table

from policyloop.view.blocks import Gauge, Status
from policyloop.view.canvas import shown


class StatusPanel:
    """What is being done, and how much of each budget is used. `status` is set anew whenever that changes."""

    def __init__(self) -> None:
        self.status: Status | None = None
        self._since = time.monotonic()
        self._spinner = Spinner("dots")

    def __rich__(self) -> Panel:
        """The panel as it is now."""
        table = Table.grid(padding=(0, 1))
        if self.status is not None:
            self._spinner.update(text=shown(f" {self.status.doing}"))
            clock = self.status.clock
            seconds = max(clock.used, time.monotonic() - self._since)
            for gauge in (*self.status.gauges, Gauge(clock.name, seconds, clock.cap, clock.form)):
                bar = ProgressBar(
                    total=gauge.cap, completed=min(gauge.used, gauge.cap), width=24, complete_style="cyan"
                )
                words = f"{gauge.form.format(gauge.used)}/{gauge.form.format(gauge.cap)}"
                table.add_row(shown(gauge.name), bar, shown(words))
        return Panel(Group(self._spinner, table), title="policyloop", title_align="left", border_style="dim")
