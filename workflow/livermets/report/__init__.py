"""The report: the paper's tables, figures, the flow diagram and one HTML page.

In: every table of the study. Out: `results/tables`, `results/figures`,
`results/report.html`, `results/exports`.
Entry points: `study_results.StudyResults`, `render.render_report`, `paper_tables.write_tables`,
`figures.all_figures.draw_figures`. `sections` holds the sections of the page. No other room may
import this one.
"""
