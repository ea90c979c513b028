"""The experiment in Science at full size (n = d = 10,000, 1.3 GB of memory), on request.

``python tests/benchmarks/science_experiment.py [repetitions]``
"""

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from science2015 import experiment, mechanisms, world

N, KS = 10_000, (10, 100, 500)


def main(repetitions):
    rng = np.random.default_rng(2015)
    for n_signal in (0, 20):
        found = {}
        for _ in range(repetitions):
            sets = world(N, N, rng, n_signal)
            for name, mechanism in mechanisms(N, N, len(KS)).items():
                start = time.process_time()
                rows = experiment(mechanism, sets, KS)
                found.setdefault(name, []).append((rows, time.process_time() - start))
        print(f"{n_signal} features with signal, {repetitions} repetitions")
        for name, results in found.items():
            rows = np.array([r for r, _ in results])
            for k, (value, tolerance, fresh) in zip(KS, rows.mean(axis=0), strict=True):
                worst = np.abs(rows[:, KS.index(k), 0] - rows[:, KS.index(k), 2]).max()
                print(
                    f"  {name:16s} k={k:3d}: reported {value:.4f} (+- {tolerance:.3f}), fresh {fresh:.4f}, largest "
                    f"difference {worst:.4f}"
                )
            print(f"  {name:16s} {np.mean([s for _, s in results]):.1f} CPU seconds per repetition")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
