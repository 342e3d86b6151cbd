"""`python -m llama4ref`, where no script is installed."""

from llama4ref.cli import main

main()
