"""Dashboards of runs: a view and a report on wandb, and a page of this machine.

May import every room but `cli`, which imports it. What it shows it reads: nothing is computed.
"""
