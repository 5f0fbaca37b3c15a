"""Quantum trajectories as circuits of gates, beyond QuTiP's reach: up to 26 spins."""
