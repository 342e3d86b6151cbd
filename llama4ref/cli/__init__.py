"""The command line: what a person types, and what is printed."""

from __future__ import annotations


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from llama4ref.cli.streams import open_streams

    open_streams()
    from llama4ref.cli.program import program

    program.main(prog_name="llama4ref")


__all__ = ["main"]
