"""p_theta: the Transformer, string mixtures, trees of prefixes.

May import `utils` and `physics`.
"""
