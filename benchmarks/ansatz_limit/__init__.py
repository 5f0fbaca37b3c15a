"""What the ansatz itself can hold: maximum-likelihood fits to POVM samples of the exact state, without any evolution.

Up to nine spins p is known (QuTiP, Taylor series): fits sum over all configurations, the relative entropy is exact, and
samples are drawn to be held out. Beyond, quantum trajectories are measured site by site and fits see minibatches of
these samples; whole trajectories are held out. The table says of each fit:

    nll               -log p(a), mean and standard error; its least value is the entropy of the exact p
    gain              how much lower it is than that of the product of marginals, sample by sample
    over_one          how much lower than that of one string fitted in the same way, sample by sample (one string fitted
                      to images: than without them)
    train_nll         -log p(a) of samples that were fitted: a fit that is lower than another here and higher on those
                      held out is too close to its samples
    relative_entropy  sum_a p(a) log [p(a) / q(a)] of the fit q, up to nine spins
    sigma_*           Pauli means of the fit, beside those of the samples

Samples of different POVMs have different entropies: compare rows of one POVM alone. Rows that the table has are not
computed again; samples and fitted weights are kept in RUNS/ansatz-limit.

    make ansatz-limit                                                     complete results/ansatz_limit.csv
    python -m benchmarks.ansatz_limit --lattice 2x3 --Jy 1.0 --times 0.4 inf --table new.csv
    python -m benchmarks.ansatz_limit --variants 'one string' 2t --seed 1 --table new.csv

A further ansatz is one line of `benchmarks/ansatz_limit/variants.py`: any settings of `repro/config/ansatz.py`.
"""
