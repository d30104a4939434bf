"""The report: the paper's tables, figures, the flow diagram and one HTML page.

In: every table of the study. Out: `results/tables`, `results/figures`, `results/report.html`.
Front doors: `render.render_report`, `paper_tables.write_tables`, `figures.all_figures.draw_figures`.
Nothing may import it: it is the top of the house.
"""
