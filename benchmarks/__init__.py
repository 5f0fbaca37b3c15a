"""What is measured and shipped in results/: `crossing` beside QuTiP, `ansatz_limit`, `gpu` on a CUDA device."""
