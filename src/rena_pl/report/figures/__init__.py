"""The figures of a report, one file each, drawn as SVG."""

from rena_pl.report.figures.figure import Figure

__all__ = ["Figure"]
