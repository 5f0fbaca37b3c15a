"""Trained states: a point's last weights as a distribution, in files that are shipped, found again by name.

May import `running` and what is below it.
"""
