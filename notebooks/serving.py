# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Which serving configuration is fastest?
#
# A language model can be served by several frameworks, on one to eight devices, with small or large batches. One
# measurement blocks the machine for a quarter of an hour, some configurations run out of memory, and the answer depends
# on how long the requests are. So the question is which configuration to measure next, and which to report in the end.
#
# The throughputs come from a small model of a GPU (what must be read and computed per token, what fits into memory),
# with some noise. Where the public measurements of the LLM-Inference-Bench lie beside the checkout, the first section
# asks those instead.

# %%
import csv
import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from bayes import BayesianOptimizer, Categorical, Integer

HERE = Path(__file__).resolve().parent if "__file__" in globals() else Path.cwd()
DATA = HERE.parents[1] / "shared" / "data" / "bo" / "llm_inference_bench.csv"

FRAMEWORKS = {"eager": (2.0, 0.35), "compiled": (0.7, 0.5), "fused": (0.25, 0.6)}  # ms per step, share of the peak
DEVICES, BATCHES, LENGTHS = [1, 2, 4, 8], [1, 4, 16, 32, 64, 128, 256], [128, 512, 2048]


def throughput(framework, devices, batch, length, *, swaps=False):
    """Return tokens per second and device of a model of 8 billion weights on devices of 40 GB."""
    overhead, efficiency = FRAMEWORKS[framework]
    weights, cache = 16.0, batch * length * 2 * 131e-6  # GB; keys and values of prompt and answer
    memory = 40.0 * devices - (4.0 if framework == "fused" else 1.0) * devices
    if weights + cache > memory and not swaps:
        raise MemoryError(f"{weights + cache:.0f} GB do not fit into {memory:.0f}")
    room = max(memory - weights, 1.0)
    read = (weights + min(cache, room)) / (1.5 * devices)  # ms at 1.5 TB/s
    compute = batch * 16 / (312 * efficiency * devices)  # ms at 312 TFLOP/s
    swapped = max(cache - room, 0.0) / 0.06  # ms at 60 GB/s, what does not fit
    step = max(read, compute) + swapped + overhead + 0.15 * (devices - 1)
    return 1000 * batch / step / devices


def run_job(framework, devices, batch, length, rng, **options):
    """Return the decimal logarithm of one noisy measurement."""
    return np.log10(throughput(framework, devices, batch, length, **options)) + rng.normal(scale=0.01)


# %% [markdown]
# ## Most configurations do not run
#
# A table of what was measured; what is missing in it did not run. One configuration is known to work, as is usually so,
# and is told first. From then on crashes are results too: a model of what succeeds keeps the search away from their
# surroundings.

# %%
if DATA.exists():
    with DATA.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if (r["model"], r["io_length"]) == ("Meta-Llama-3-8B", "1024")]
    names = ("hardware", "framework", "n_devices", "batch_size")
    table = {
        tuple(r[n] if n in names[:2] else int(r[n]) for n in names): np.log10(
            float(r["throughput_tok_s"]) / int(r["n_devices"])
        )
        for r in rows
        if float(r["throughput_tok_s"]) > 0
    }
    known = ("H100", "vLLM", 1, 1)
else:
    names = ("framework", "devices", "batch")
    table = {}
    for cell in itertools.product(FRAMEWORKS, DEVICES, BATCHES):
        try:
            table[cell] = np.log10(throughput(*cell, 2048))
        except MemoryError:
            continue
    known = ("eager", 1, 1)
levels = [sorted({cell[i] for cell in table}) for i in range(len(names))]
space = dict(zip(names, map(Categorical, levels), strict=True))
n_cells = np.prod([len(values) for values in levels])
print(
    f"{n_cells} configurations, {len(table)} of them run; the best has {10 ** max(table.values()):,.0f} tokens/s/device"
)


def measure(params):
    """Return what the table says, or crash."""
    return table[tuple(params.values())]


search = BayesianOptimizer(space, random_state=0)
search.tell(dict(zip(names, known, strict=True)), table[known])
search.run(measure, n_trials=40)
found = table[tuple(search.best_params_.values())]
print(f"found {search.best_params_}: {10**found:,.0f} tokens/s/device, the known one has {10 ** table[known]:,.0f}")

rng = np.random.default_rng(0)
cells = list(itertools.product(*levels))
tried = [[cells[i] for i in rng.choice(n_cells, 40, replace=False)] for _ in range(200)]
at_random = [10 ** max([table[known], *(table[cell] for cell in some if cell in table)]) for some in tried]
print(f"40 at random, 200 times: median {np.median(at_random):,.0f}, best tenth {np.quantile(at_random, 0.9):,.0f}")
print(search.trials_)

# %%
search.plot()
plt.show()

# %% [markdown]
# ## The traffic is a mixture
#
# Seven of ten requests are short, two are middling, one is long. What counts is the average over them, and nobody wants
# to measure every configuration at every length. `environment` says what a trial is evaluated in and with which
# weights; each suggestion names a configuration and a length, and what is learned at one length is learned about the
# others. Here too large a batch does not crash: what does not fit is swapped, which long requests pay for.

# %%
weights = [0.7, 0.2, 0.1]
configurations = {
    "framework": Categorical(list(FRAMEWORKS)),
    "devices": Categorical(DEVICES),
    "batch": Integer(1, 256, log=True),
}
noise = np.random.default_rng(1)


def measure_length(params, environment):
    """Return one noisy measurement at one length."""
    return run_job(*params.values(), environment["length"], noise, swaps=True)


def average(params):
    """Return the average without noise, which a campaign never sees."""
    return float(np.dot(weights, [np.log10(throughput(*params.values(), n, swaps=True)) for n in LENGTHS]))


mixed = BayesianOptimizer(configurations, environment={"length": (LENGTHS, weights)}, random_state=0)
mixed.run(measure_length, n_trials=40)
short = BayesianOptimizer(configurations, random_state=0)
short.run(lambda params: measure_length(params, {"length": 128}), n_trials=40)
grid = [dict(zip(configurations, c, strict=True)) for c in itertools.product(FRAMEWORKS, DEVICES, range(1, 257))]
print(f"best of all on average: {max(map(average, grid)):.3f}")
for name, campaign in (("the mixture", mixed), ("short requests alone", short)):
    print(f"asked about {name}: {campaign.best_params_}, on average {average(campaign.best_params_):.3f}")
asked = [trial.environment["length"] for trial in mixed.trials_]
print("measured at each length:", {length: asked.count(length) for length in LENGTHS})

# %% [markdown]
# What is recommended need not have been measured at every length: its average is a promise of the model, which knows
# nothing of the cliff where memory runs out before it has met it. So the recommendation is measured where it was not,
# before it is used. The promise then gives way to what is so, and the search may go on from there.

# %%
promised, value = mixed.best_params_, mixed.best_value_
met = {trial.environment["length"] for trial in mixed.trials_ if trial.params == promised}
for length in set(LENGTHS) - met:
    mixed.tell(promised, measure_length(promised, {"length": length}), environment={"length": length})
print(f"promised {value:.3f}, measured at all lengths {average(promised):.3f}")
mixed.run(measure_length, n_trials=10)
print(f"ten trials later: {mixed.best_params_}, promised {mixed.best_value_:.3f}, is {average(mixed.best_params_):.3f}")

# %% [markdown]
# ## A simulator for a twentieth of the price
#
# Often there is a cheap source: a simulator, a smaller model, a shorter run. This one knows nothing of what the
# frameworks cost. `fidelity` names the sources and the one that counts, `cost` what each costs; a cheap trial is made
# where it tells enough about the dear ones. Both campaigns stop when they have spent twelve measurements.

# %%
PRICE = {"simulated": 0.05, "measured": 1.0}
noise = np.random.default_rng(1)


def evaluate(params, fidelity):
    """Return a noisy measurement, or a simulation that takes every framework for the same."""
    if fidelity == "simulated":
        return np.log10(throughput("compiled", params["devices"], params["batch"], 512, swaps=True))
    return run_job(*params.values(), 512, noise, swaps=True)


def spend(campaign, budget):
    """Ask and tell until the budget is spent; return the true value of the recommendation."""
    spent = 0.0
    while spent < budget:
        trial = campaign.ask()
        source = trial.fidelity or "measured"
        campaign.tell(trial, evaluate(trial.params, source))
        spent += PRICE[source]
    return float(np.log10(throughput(*campaign.best_params_.values(), 512, swaps=True)))


best = max(np.log10(throughput(*c.values(), 512, swaps=True)) for c in grid)
for seed in range(3):
    cheap = BayesianOptimizer(
        configurations,
        fidelity=(Categorical(list(PRICE)), "measured"),
        cost=lambda params, fidelity: PRICE[fidelity],
        random_state=seed,
    )
    plain = BayesianOptimizer(configurations, random_state=seed)
    both, alone = spend(cheap, 12), spend(plain, 12)
    print(f"seed {seed}: below the best by {best - both:.3f} with the simulator, {best - alone:.3f} without")
