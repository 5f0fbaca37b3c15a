"""`repro.solve`: a spin lattice of the user's own, from the problem to its solution.

May import the rooms from `utils` to `reporting`.
"""
