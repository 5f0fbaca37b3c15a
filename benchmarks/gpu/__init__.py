"""A GPU in one command: what has to be known of a CUDA machine, in minutes, most valuable first.

`python3 -m benchmarks.gpu run --out FOLDER`, with that machine's own Python: PyTorch, Lightning, NumPy, pandas, SciPy
and Matplotlib are all it needs. Every part is a process of its own under a limit of its own, and writes as it goes:

checks.csv     tests/gpu: every evaluator, loss and method equals the CPU; another device resumes; what is refused
gpu.csv        seconds of a loss and its gradient, share of the measured float32 matrix rate, versions
operators.txt  where the time of an iteration goes, and trace.json.gz, the same as a timeline
points.csv     points of the paper profile that results/ has not: measured rows, unfinished ones too
runs.tar.gz    their folders, to be taken up anywhere
log.txt        everything that was printed

Few files without deep folders: that is what comes back from a borrowed machine. `python -m benchmarks.gpu collect
--out FOLDER` then brings them into results/ and docs/gpu.md.
"""
