"""The ledger: every claim of the paper, the test that decides it, and a verdict that follows from tables alone.

May import the rooms from `utils` to `running`.
"""
