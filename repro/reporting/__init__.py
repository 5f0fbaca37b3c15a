"""What was computed, shown: tables of figures, summaries, error estimates, shipped results, the report.

May import the rooms from `utils` to `claims`.
"""
