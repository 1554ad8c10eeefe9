"""`policyloop serve`: the decision point that an agent's hooks ask before each tool call."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from policyloop.cli.options import ConfigOption, ProfileOption, directory, text


def serve(
    *,
    config: ConfigOption = None,
    profile: ProfileOption = None,
    listen: Annotated[
        str | None,
        typer.Option(help="The address: HOST:PORT or unix:PATH; 127.0.0.1:3594 by default.", parser=text),
    ] = None,
    observe: Annotated[
        bool, typer.Option("--observe", help="Record every call and let it go; needs no policy.")
    ] = False,
    init: Annotated[
        Path | None,
        typer.Option(
            "--init",
            help="Write a first configuration and policies with their tests into this new folder, and end.",
            metavar="DIR",
            parser=directory,
        ),
    ] = None,
) -> None:
    """Decide what agents do: their hooks ask here, a Cerbos PDP decides, and all of it is recorded.

    It runs until it is told to end (Ctrl-C, SIGTERM): what is in flight is answered, and the log is closed. 0 then.
    """
    from policyloop.printing import say, say_lines

    if init is not None:
        from policyloop.serve.starter import NEXT
        from policyloop.serve.starter import init as write

        written = write(init)
        say_lines("\n".join(str(init / name) for name in written))
        say(f"Next: cd {shlex.quote(str(init))} && {' && '.join(NEXT)}", err=True)
        return
    from policyloop.serve.needed import require_extra

    require_extra()
    from policyloop.configured import config_file, settings
    from policyloop.serve.running import serve as run

    flags = {"serve": {"listen": listen, "mode": "observe" if observe else None}}
    near = Path("policies")
    loaded = settings(near, config, profile, flags, uses=("cerbos", "serve"))
    file = config_file(near, config)
    run(loaded, file.parent if file is not None else Path(), say)
