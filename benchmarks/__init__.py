"""What is measured on a machine and shipped in results/: `crossing` beside QuTiP, `gpu` on a CUDA device."""
