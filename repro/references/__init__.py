"""What results are compared with: exact curves by QuTiP, trajectories, the RBM of Fig. 3.

May import the rooms from `utils` to `methods`.
"""
