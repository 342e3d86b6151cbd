"""The program: its commands, and errors as one message and an exit code, never a traceback.

Exit codes: 0 done; 1 the answer is no; 2 the call or a file is wrong; 3 something outside failed; 70 a fault of this program;
130 and 141 as a shell counts Ctrl-C and a reader that went away.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click
from click.exceptions import Exit

from llama4ref.cli.printing import examples
from llama4ref.cli.streams import is_terminal, settle_streams, write_answer, write_message
from llama4ref.errors import Llama4refError, nearest_names
from llama4ref.wording import LONGEST_QUOTE, json_text, quoted, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OUTSIDE_FAILED, INTERNAL_ERROR, INTERRUPTED, READER_GONE = 3, 70, 130, 141
TRACEBACK_VARIABLE = "LLAMA4REF_TRACEBACK"

_COMMANDS = {
    "plan": ("llama4ref.cli.plan_command", "What to run, and why, or why nothing fits."),
    "render": ("llama4ref.cli.render_command", "A plan as vLLM flags, config file, Compose or Kubernetes."),
    "prove": ("llama4ref.cli.prove_command", "Launch a plan; predicted beside observed."),
    "record": ("llama4ref.cli.record_command", "A run of a plan, from its server's log, as a measurement to keep."),
    "calibrate": ("llama4ref.cli.calibrate_command", "What logged starts and measurements say about the estimates."),
    "facts": ("llama4ref.cli.facts_command", "Look up, compare, cite and export facts."),
    "providers": ("llama4ref.cli.providers_command", "Who serves it, with which limits, at what price, as of when."),
    "license": ("llama4ref.cli.license_command", "Obligations of a use, clause by clause."),
    "check": ("llama4ref.cli.check_command", "Specs, claims, and facts against the installed engine."),
    "watch": ("llama4ref.cli.watch_command", "What others say now about offers and engines, and the specs do not."),
    "site": ("llama4ref.cli.site_command", "Build the site."),
}


class Program(click.Group):
    """A group that imports a command when it is called, and turns every error into a message and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of a person's questions."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(_COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with a line each, without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was typed; for an unknown one the nearest is offered."""
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            near = nearest_names(args[0], _COMMANDS)
            offer = f"did you mean {' or '.join(near)}" if near else f"commands are {', '.join(_COMMANDS)}"
            raise click.UsageError(f"no command is named {quoted(args[0])}; {offer}", ctx)
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: object,
    ) -> NoReturn:
        """Run it and end the process with the exit code of the answer or of the error."""
        del standalone_mode

        def call() -> object:
            result: object = click.Group.main(
                self,
                args=args,
                prog_name=prog_name,
                complete_var=complete_var,
                standalone_mode=False,
                **extra,
            )
            sys.stdout.flush()
            return result

        arguments = sys.argv[1:] if args is None else args
        code = exit_code_of(call, arguments=arguments)
        settle_streams()
        sys.exit(code)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Read the words; `--help` whose reader went away ends quietly."""
        if any("\0" in argument for argument in args):
            raise click.UsageError("an argument holds a null character, which no name and no path can have")
        with _quiet_without_reader():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command and write its answer out; a reader that went away ends it quietly, Ctrl-C with one line."""
        with _quiet_without_reader():
            try:
                result: object = super().invoke(ctx)
                sys.stdout.flush()
            except KeyboardInterrupt:
                raise click.Abort from None
        return result


@contextlib.contextmanager
def _quiet_without_reader() -> Iterator[None]:
    """Turn a closed pipe into its exit code, before click makes another of it."""
    try:
        yield
    except BrokenPipeError:
        raise Exit(READER_GONE) from None


def exit_code_of(call: Callable[[], object], *, arguments: Sequence[str] = ()) -> int:
    """The exit code of a call; where it fails, its message goes to stderr, as one line of JSON where `--json` is among the arguments.

    Examples:
        >>> exit_code_of(lambda: 1), exit_code_of(lambda: None)
        (1, 0)
    """
    try:
        result = call()
    except (click.Abort, KeyboardInterrupt):
        if is_terminal(sys.stderr):
            write_message("")  # the terminal has written ^C into the line
        return _message("interrupted", INTERRUPTED)
    except BrokenPipeError:
        return READER_GONE
    except Exception as error:  # noqa: BLE001  # the last door: nothing behind it may show as a traceback
        return _failed(error, arguments)
    return result if isinstance(result, int) and not isinstance(result, bool) else 0


def _failed(error: Exception, arguments: Sequence[str]) -> int:
    """Say what went wrong, and for a fault of ours how to see where; the exit code."""
    if os.environ.get(TRACEBACK_VARIABLE):
        import traceback

        write_message("".join(traceback.format_exception(error)).rstrip())
    text, code = _described(error)
    if "--json" in arguments:
        write_message(_as_json(error, _with_short_arguments(text, arguments), code))
    elif isinstance(error, click.ClickException):
        write_message(_with_short_arguments(_with_usage(error), arguments))
    else:
        _message(_with_short_arguments(text, arguments), code)
    return code


def _with_usage(error: click.ClickException) -> str:
    """What click says of a wrong call: the usage, where help is, and the message."""
    shown = io.StringIO()
    error.show(shown)
    return shown.getvalue().rstrip()


def _described(error: Exception) -> tuple[str, int]:
    """What is said of an error, and its exit code."""
    if isinstance(error, click.ClickException):
        return error.format_message(), 2
    if isinstance(error, Llama4refError):
        return str(error), error.exit_code
    if isinstance(error, OSError):
        place = f": {error.filename}" if error.filename is not None else ""
        return f"{(error.strerror or str(error) or type(error).__name__).lower()}{place}", OUTSIDE_FAILED
    if isinstance(error, MemoryError):
        return "there is not enough memory", OUTSIDE_FAILED
    detail = " ".join(f"{type(error).__name__}: {error}".split())
    hint = f"set {TRACEBACK_VARIABLE}=1 to see where, and please report it"
    return f"internal error, a fault of llama4ref and not of yours: {detail}; {hint}", INTERNAL_ERROR


def _with_short_arguments(text: str, arguments: Sequence[str]) -> str:
    """A message in which what was typed is shortened where it is long."""
    for argument in arguments:
        for part in {argument, argument.partition("=")[2]}:
            if len(part) > LONGEST_QUOTE:
                text = text.replace(part, shortened(part)).replace(repr(part)[1:-1], shortened(part))
    return text


def _as_json(error: Exception, text: str, code: int) -> str:
    """An error for programs, on one line."""
    details = vars(error) if isinstance(error, Llama4refError) else {}
    shown = {
        name: shortened(value) if isinstance(value, str) else value
        for name, value in details.items()
        if name != "known"
    }
    content = {"type": type(error).__name__, "message": text, "exit_code": code, "details": shown}
    return json_text({"error": content}, indent=None)


def _message(text: str, code: int) -> int:
    first, _, rest = text.partition("\n")
    styled = click.style("llama4ref:", fg="red", bold=True)
    write_message(f"{styled} {first}" + (f"\n{rest}" if rest else ""))
    return code


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from llama4ref import __version__

    write_answer(f"llama4ref {__version__}")
    ctx.exit()


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Every command takes --json. Exit codes: 0 done, 1 the answer is no, 2 the call or a file is wrong, 3 something "
    "outside failed.\n\n"
    + examples(
        "llama4ref plan --model scout --gpu h100-sxm --count 8 --context 1M",
        "llama4ref render --model scout --gpu h200-sxm --count 8 --as config",
        "llama4ref facts scout text.layers",
        "llama4ref providers --model maverick --images --min-context 300k",
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def program() -> None:
    """Everything to know and decide to run Llama 4: each fact cited, each plan proven."""
