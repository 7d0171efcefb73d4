"""The report of searches: one HTML file that needs no network, and its figures as SVG.

`run` reads a run folder, `facts`, `changes`, `best` and `baselines` work out what is shown, `figures`
draw it, and `page` puts it together.
"""
