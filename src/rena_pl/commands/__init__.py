"""The commands, one file each; `rena_pl.cli` has their table."""
