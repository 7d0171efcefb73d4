"""`python -m rena_pl` is `rena`."""

from rena_pl.cli import main

main()
