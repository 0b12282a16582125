"""The command line: one file per command, each a thin call of a library function.

Commands are imported when they run, so that ``--help`` is quick. stdout is data, stderr is for people.
"""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import sys
import threading
import time
from importlib import import_module
from typing import Any, NamedTuple

import click

PROGRAM = "encord-convert"
_COMPLETION = "_ENCORD_CONVERT_COMPLETE"
"""Set by a shell that asks for completion; see `encord-convert help`."""

COMMANDS: dict[str, str] = {
    "apply": "Do what a plan of a push says, or go on with it.",
    "batch": "Convert many sources, with workers, and resume after any end.",
    "check": "Find what a trainer would drop, and other faults; mend what can be.",
    "convert": "Convert annotations from one format to another.",
    "diff": "Name every difference between two label sets, in any formats.",
    "formats": "Show what each format carries, or one format's page.",
    "help": "Show a page of the manual, or list them.",
    "info": "Say what a file holds: how much of what, its ontology, its problems.",
    "merge": "Make one label set of several, in any formats.",
    "projects": "List the projects of a service.",
    "pull": "Write the labels of a project in any format.",
    "push": "Send labels, and the data they are drawn on, to a project.",
    "select": "Take some of the annotations and images of a set, in the same format.",
    "serve": "Run the local service: the same API, without an account.",
    "stats": "Count classes, shapes, splits, sizes and answers of label sets.",
    "undo": "Give label rows the labels they had before a push.",
    "users": "Add or list the users of a local service.",
    "verify": "Name every difference between labels in files and in a project.",
    "view": "Show labels on their images, as a page or a contact sheet; and what was lost.",
}
"""Every command and its one line, in alphabetical order; its module has the same name."""


class Invocation(NamedTuple):
    """What was called, and when by a clock that only runs."""

    arguments: list[str]
    started: float


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"encord_convert.cli.{cmd_name}"), cmd_name)
        gc.freeze()  # what was loaded stays, and need never be looked at
        gc.set_threshold(1 << 16)  # nor need the few objects of a short run
        gc.enable()  # see `main`
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from encord_convert.errors import nearest

            ctx.fail(f"No such command {args[0]!r}.{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from encord_convert.errors import EXIT_CODES

        with formatter.section("Manual"):
            formatter.write_text("encord-convert help lists its pages; help shell says how to complete words.")
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in EXIT_CODES.items()])


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name=PROGRAM, prog_name=PROGRAM)
def cli() -> None:
    """Convert, check and sync annotation labels, and know exactly what did not make it."""


class _ClosedBytes(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if len(data):
            raise OSError(errno.EBADF, "is closed", "standard output")
        return 0


class _Closed(io.TextIOBase):
    """Standard output that is closed: what is written to it is refused, so that nothing goes missing silently."""

    encoding = "utf-8"
    buffer = _ClosedBytes()

    def write(self, text: str) -> int:
        return self.buffer.write(text.encode())


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with a code of the table."""
    gc.disable()  # modules make no garbage, and looking for it among them takes a tenth of a short run
    code = run(arguments)
    if threading.active_count() > 1 or _is_watched():
        sys.exit(code)
    try:  # the system takes back what a process has; the interpreter would first take every module apart
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    finally:
        os._exit(code)


def _is_watched() -> bool:
    """Tell whether a profiler or debugger waits for the interpreter to end."""
    if sys.version_info >= (3, 12) and any(map(sys.monitoring.get_tool, range(6))):
        return True
    return sys.getprofile() is not None or sys.gettrace() is not None


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; errors are told on stderr, in one sentence each."""
    # numpy starts a thread per core for linear algebra, which nothing here does; they cost time and memory idling.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.stdout is None:  # it was closed before we began
        sys.stdout = _Closed()
    try:
        if _COMPLETION in os.environ:
            cli.main(prog_name=PROGRAM)
        words = list(sys.argv[1:] if arguments is None else arguments)
        with cli.make_context(PROGRAM, list(words), obj=Invocation(words, time.monotonic())) as context:
            result: Any = cli.invoke(context)
        click.echo(nl=False)  # what is still to be written may fail
    except SystemExit:
        raise
    except BaseException as error:
        from encord_convert.cli._failures import told

        return told(error)
    return result if isinstance(result, int) else 0
