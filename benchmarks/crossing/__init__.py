"""Which tool for which problem: seconds to steady Paulis within 0.01, against the number of spins.

Two panels. One dimension: the Ising ring of Fig. 3. Two: the periodic Heisenberg lattices of Fig. 4. Five ways:

density matrix    QuTiP's `steadystate` (or `mesolve` where it does not converge)
trajectories      QuTiP's `mcsolve` with control variates
matrix products   the density matrix as a matrix product (`repro.references.matrix_product`)
tensor jumps      trajectories as matrix products, mqt-yaqs (`pip install '.[rivals]'`)
network           this suite

Every way at the best settings of a small search, which the table keeps. What takes too long is not run: a row then says
from which part its cost is known, or by which rule it is extrapolated.
"""
