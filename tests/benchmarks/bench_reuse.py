"""Guess-and-Check and multiplicative weights in memory, against the bare arithmetic that each answer needs."""

import time

import numpy as np
from harness import compare

from uq.reuse import GaussianMechanism, GuessAndCheck, PrivateMultiplicativeWeights, plan

N = 10**4
ATOMS = 10**6


def guess_and_check_rows():
    rng = np.random.default_rng(0)
    values = [(rng.random(N) < 0.7).astype(float) for _ in range(20)]
    mechanism, k = GuessAndCheck(10**6, 10, tolerance=0.15), 5000

    def ours():
        state, told = mechanism.start(N), []
        start = time.process_time()
        for i in range(k):
            state = mechanism.spend(state)
            mean = float(values[i % 20].clip(0, 1).mean())
            reply = mechanism.answer(state, 0.7, mean, (0, 1))
            state = reply.state
            told.append(reply.value)
        ours.rate = k / (time.process_time() - start)
        return told

    def bare():
        return [0.7 if abs(float(values[i % 20].clip(0, 1).mean()) - 0.7) < 0.05 else None for i in range(k)]

    def agree(mine, theirs):
        assert mine == theirs
        assert ours.rate > 10**4, ours.rate
        return f"equal; {ours.rate:.0f} answers per CPU second, asked 10,000"

    yield compare("Guess-and-Check, 5000 answers, n = 10^4", ours, bare, "the means alone", agree)


def weights_rows():
    rng = np.random.default_rng(1)
    law = rng.random(ATOMS) ** 4
    law /= law.sum()
    queries = [(rng.random(ATOMS) < 0.5).astype(float) for _ in range(6)]
    queries += [(law > np.quantile(law, q)).astype(float) for q in (0.5, 0.7)]
    truths = [float(law @ query) for query in queries]
    mechanism = PrivateMultiplicativeWeights(ATOMS, 10**4)
    n = 10**6
    mechanism.certificate(n)

    def ours():
        state, told, slowest = mechanism.start(n), [], {"guess": 0.0, "holdout": 0.0}
        for query, truth in zip(queries * 3, truths * 3, strict=True):
            start = time.perf_counter()
            mechanism.check(state, query, (0, 1))
            state = mechanism.spend(state)
            reply = mechanism.answer(state, query, truth, (0, 1))
            state = reply.state
            slowest[reply.source] = max(slowest[reply.source], time.perf_counter() - start)
            told.append((reply.value, reply.source))
        ours.slowest = slowest
        return told

    def bare():
        weights, gap, told = np.full(ATOMS, 1 / ATOMS), mechanism._design(n).gap, []
        for query, truth in zip(queries * 3, truths * 3, strict=True):
            guess = float(weights @ query)
            if abs(guess - truth) > gap:
                weights = weights * np.exp(4 * gap * query if truth > guess else -4 * gap * query)
                weights /= weights.sum()
            told.append(guess)
        return told

    def agree(mine, theirs):
        gaps = [abs(a - b) for (a, source), b in zip(mine, theirs, strict=True) if source == "guess"]
        assert max(gaps) < 1e-12
        n_wrong = sum(source == "holdout" for _, source in mine)
        times = ", ".join(f"{1000 * value:.0f} ms from the {source}" for source, value in ours.slowest.items())
        return f"equal to {max(gaps):.0e}; {n_wrong} updates; slowest query {times}; asked 50"

    yield compare("multiplicative weights, 24 queries, 10^6 kinds", ours, bare, "the bare update", agree)


def plan_rows():
    def fresh():
        from uq.reuse import _gaussian, _guess_and_check, _ladder, _published, _thresholdout

        for module in (_gaussian, _guess_and_check, _ladder, _published, _thresholdout):
            for thing in vars(module).values():
                if hasattr(thing, "cache_clear"):
                    thing.cache_clear()
        return plan(10**5, 10**4).tolerance

    yield compare(
        "a plan, nothing cached", fresh, lambda: GaussianMechanism(10**4).certificate(10**5), "one certificate, cached",
        lambda mine, theirs: "one of its rows" if theirs in mine else "other",
        turns=5,
    )  # fmt: skip


def rows():
    return [*guess_and_check_rows(), *weights_rows(), *plan_rows()]
