"""`python -m dokja` is `dokja`."""

from dokja.cli.main import main

main()
