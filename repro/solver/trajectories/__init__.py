"""Quantum trajectories of a user's problem: by QuTiP, or as circuits of gates, with errors."""
