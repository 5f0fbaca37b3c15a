"""Reproduction suite for autoregressive simulation of open quantum systems in the POVM picture."""

__version__ = "0.1.0"
