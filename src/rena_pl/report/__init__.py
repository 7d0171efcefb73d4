"""The report of searches: one HTML file that needs no network, and its figures as SVG.

`run` reads a run folder; `facts`, `changes`, `best` and `baselines` work out what is shown;
`figures` draw it, `page` puts it together, and `write` makes files of it.

Figures are small SVG drawings of our own, and not plotly's: its script alone is 20 times as large
as a whole report, its points cannot be reached by keyboard, and its files need a browser.
"""
