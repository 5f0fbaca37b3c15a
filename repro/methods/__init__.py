"""Estimators of L p, objectives, and the Lightning module of every method.

May import the rooms from `utils` to `config`.
"""
