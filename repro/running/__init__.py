"""Computing points: folders, checkpoints, processes, clusters, tracking.

May import the rooms from `utils` to `references`.
"""
