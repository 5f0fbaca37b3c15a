"""Lattices, Lindblad models, POVMs, the generator L of Eqs. 2 and 3, observables.

May import `utils`.
"""
