"""Pair heads against ensembles, dropout and one-parameter baselines that see the same pairs; and what training costs.

``python tests/benchmarks/bench_pair_heads.py [seeds]`` prints the tables (half a minute of CPU per seed; data beside
the checkout). `rows`, for ``make bench``, times training epochs of the heads against those of one plain network.
"""

import sys
import time
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from harness import compare
from torch import nn
from torch.nn.functional import log_softmax

from uq.epistemic import (
    PairDistribution,
    PairHeadClassifier,
    ScaledVariance,
    _training,
    pair_counts,
    second_order_calibration_error,
    squared_error_ustatistic,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "epistemic"
HIDDEN, RATE, DECAY, BATCH, PATIENCE, EPOCHS = (64, 64), 3e-3, 1e-3, 128, 30, 500
BETA = 0.3
BASELINE = "ensemble of 10 + rho p (1 - p)"


# ---- data: features, two answers per row to learn from, and what to judge by


def chaosnli(name, columns, seed):
    """Votes of 100 people on each sentence pair; models see two of them, the judge sees all."""
    import pandas as pd

    frame = pd.read_parquet(DATA / f"chaosnli_{name}.parquet").dropna()
    votes = frame[["n_e", "n_n", "n_c"]].to_numpy()
    X = frame[[f"logit_{model}_{k}" for model in columns for k in "enc"]].to_numpy(np.float64)
    rng = np.random.default_rng([seed, 1])
    two = np.array([rng.multivariate_hypergeometric(row, 2) for row in votes])
    order = rng.permutation(len(X))
    a, b = round(0.5 * len(X)), round(0.65 * len(X))
    return X, two, votes, None, np.split(order, [a, b])


def digits(seed):
    """Digits seen through six principal components; annotators see all pixels, and what they never say is known."""
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression

    images, labels = load_digits(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expert = LogisticRegression(C=0.01, max_iter=200).fit(images / 16, labels)
    logits = 2.0 * expert.decision_function(images / 16)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[p < 0.02] = 0
    p /= p.sum(axis=1, keepdims=True)
    rng = np.random.default_rng([seed, 2])
    two = rng.multinomial(2, p)
    order = rng.permutation(len(p))[:1797]
    votes = np.rint(p * 10**6)  # as good as knowing p, and 0 where p is
    return PCA(6, random_state=0).fit_transform(images), two, votes, p, np.split(order, [700, 900])


# ---- what the peers are: plain networks, with or without dropout


def plain_network(n_features, n_classes, dropout, rng):
    sizes = [n_features, *HIDDEN]
    torch.manual_seed(int(rng.integers(2**31)))
    layers = []
    for wide, narrow in pairwise(sizes):
        layers += [nn.Linear(wide, narrow), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], n_classes))


def train_plain(network, train, validation, rng, max_epochs=EPOCHS):
    """The loop of the pair heads, on the log loss of single answers."""
    (X, q), (X_val, q_val) = (
        (torch.from_numpy(x).float(), torch.from_numpy(c / c.sum(1, keepdims=True)).float())
        for x, c in (train, validation)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY, fused=True)
    best, since, state = np.inf, 0, None
    for epoch in range(max_epochs):
        network.train()
        for index in torch.from_numpy(rng.permutation(len(X))).split(BATCH):
            loss = -(q[index] * log_softmax(network(X[index]), 1)).sum(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            loss = float(-(q_val * log_softmax(network(X_val), 1)).sum(1).mean())
        if loss < best:
            best, since, state = loss, epoch, {k: v.clone() for k, v in network.state_dict().items()}
        elif epoch - since >= PATIENCE:
            break
    network.load_state_dict(state)
    return network.eval()


def train_head(network, train, validation, rng, max_epochs=EPOCHS):
    """Train a pair head with the same settings."""
    (X, two), (X_val, two_val) = ((x, counts.astype(np.float64)) for x, counts in (train, validation))
    return _training.train_network(
        network, (X, two), (X_val, two_val), learning_rate=RATE, weight_decay=DECAY, batch_size=BATCH,
        max_epochs=max_epochs, patience=PATIENCE, device=torch.device("cpu"), rng=rng,
    )[0]  # fmt: skip


def plain_probabilities(network, X, repeats=0, seed=0):
    """Return (repeats, n, K) under dropout, or (n, K) without."""
    X = torch.from_numpy(X).float()
    with torch.no_grad():
        if not repeats:
            return network(X).double().softmax(1).numpy()
        torch.manual_seed(seed)
        network.train()
        found = torch.stack([network(X).double().softmax(1) for _ in range(repeats)]).numpy()
        network.eval()
        return found


# ---- the methods: each tells the pairs of answers to the test rows


def heads_of(X, two, parts, seed):
    """Yield our three heads, which hold out the same number of rows."""
    train, held, test = parts
    rows = np.concatenate([train, held])
    for head, components in (("dirichlet", 8), ("mixture", 8), ("joint", 8)):
        model = PairHeadClassifier(
            head, components, HIDDEN, learning_rate=RATE, weight_decay=DECAY, batch_size=BATCH, patience=PATIENCE,
            max_epochs=EPOCHS, validation_fraction=len(held) / len(rows), device="cpu", random_state=seed,
        )  # fmt: skip
        yield f"pair head, {head}", model.fit(X[rows], two[rows]).predict_pair(X[test])


def peers_of(X, two, parts, seed):
    """Yield ensembles and dropout as they are, and with one parameter learned from the held-out pairs."""
    train, held, test = parts
    mean, scale = X[train].mean(axis=0), X[train].std(axis=0)
    X = (X - mean) / scale
    rng = np.random.default_rng([seed, 3])
    for name, members_of in (("ensemble", ensemble), ("dropout", dropout)):
        on_held, on_test = members_of(X, two, train, held, test, rng)
        for size in (1, 5, 10) if name == "ensemble" else (50,):
            some, others = on_held[:size], on_test[:size]
            label = f"{name} of {size}" if size > 1 else "one network"
            if size > 1:
                yield label, PairDistribution(np.einsum("snk,snl->nkl", others, others) / size)
                scaled = ScaledVariance("ensemble").fit(some, two[held])
                yield f"{label}, scaled", scaled.predict_pair(others)
            p_held, p_test = some.mean(axis=0), others.mean(axis=0)
            rho = ScaledVariance("rho").fit(p_held, two[held])
            yield f"{label} + rho p (1 - p)", rho.predict_pair(p_test)
            if size == 10:
                yield f"{label} + constant", constant(p_held, p_test, two[held])
                yield "no variance", PairDistribution(p_test[:, :, None] * p_test[:, None, :])


def ensemble(X, two, train, held, test, rng):
    """Return the probabilities of ten networks for held-out rows and test rows."""
    networks = []
    for _ in range(10):
        network = plain_network(X.shape[1], two.shape[1], 0.0, rng)
        networks.append(train_plain(network, (X[train], two[train]), (X[held], two[held]), rng))
    return tuple(np.stack([plain_probabilities(network, X[rows]) for network in networks]) for rows in (held, test))


def dropout(X, two, train, held, test, rng):
    """Return 50 passes of one network that is trained and asked under dropout."""
    network = plain_network(X.shape[1], two.shape[1], 0.2, rng)
    network = train_plain(network, (X[train], two[train]), (X[held], two[held]), rng)
    return tuple(plain_probabilities(network, X[rows], 50, int(rng.integers(2**31))) for rows in (held, test))


def dropped_of(X, two, parts, seed):
    """Yield one Dirichlet head under dropout, asked once without and 50 times with it."""
    train, held, test = parts
    rng = np.random.default_rng([seed, 5])
    X = (X - X[train].mean(axis=0)) / X[train].std(axis=0)
    torch.manual_seed(seed)
    layers = []
    for layer in _training.make_network(X.shape[1], two.shape[1], "dirichlet", 1, HIDDEN, rng):
        layers += [layer, nn.Dropout(0.2)] if isinstance(layer, nn.ReLU) else [layer]
    network = train_head(nn.Sequential(*layers), (X[train], two[train]), (X[held], two[held]), rng)
    answer = _training.answers_of(network, X[test], "joint", torch.device("cpu"))
    yield "Dirichlet head under dropout, asked once", PairDistribution(answer)
    network.train()
    with torch.no_grad():
        J = sum(network(torch.from_numpy(X[test]).float()).joint().double() for _ in range(50)) / 50
    yield "Dirichlet head under dropout, asked 50 times", PairDistribution(J.numpy())


def crossed_of(X, two, parts, seed):
    """Yield what becomes of the baseline and of our head where every row is held out by two of ten networks.

    All rows then train eight networks, and all pairs are there to learn one parameter from: with one part held out for
    all, that parameter rests on a fifth of the pairs. What a search also tried, and found no better than these: ten
    heads with their covariance scaled, or mixed half and half with rho p (1 - p), or with rho chosen by likelihood.
    """
    train, held, test = parts
    rows = np.concatenate([train, held])
    X = (X - X[rows].mean(axis=0)) / X[rows].std(axis=0)
    rng, k = np.random.default_rng([seed, 4]), two.shape[1]
    folds = [fold for _ in range(2) for fold in np.array_split(rng.permutation(len(rows)), 5)]
    outside, on_test = {"networks": 0.0, "heads": 0.0}, {"networks": 0.0, "heads": 0.0}
    for fold in folds:
        kept, out = np.delete(rows, fold), rows[fold]
        network = plain_network(X.shape[1], k, 0.0, rng)
        network = train_plain(network, (X[kept], two[kept]), (X[out], two[out]), rng)
        head = _training.make_network(X.shape[1], k, "dirichlet", 1, HIDDEN, rng)
        head = train_head(head, (X[kept], two[kept]), (X[out], two[out]), rng)
        asked = {
            "networks": lambda x, network=network: plain_probabilities(network, x),
            "heads": lambda x, head=head: _training.answers_of(head, x, "joint", torch.device("cpu")),
        }
        for kind, ask in asked.items():
            of_fold = ask(X[out]) / 2
            found = np.zeros((len(rows), *of_fold.shape[1:]))
            found[fold] = of_fold
            outside[kind] += found
            on_test[kind] += ask(X[test]) / len(folds)
    rho = ScaledVariance("rho").fit(outside["networks"], two[rows])
    yield "10 crossed networks + rho p (1 - p)", rho.predict_pair(on_test["networks"])
    J, J_test = outside["heads"], on_test["heads"]
    yield "10 crossed Dirichlet heads", PairDistribution(J_test)
    m, m_test = J.sum(axis=2), J_test.sum(axis=2)
    rho = ScaledVariance("rho").fit(m, two[rows])
    share = likeliest_share(J, rho.predict_pair(m).joint, pair_counts(two[rows]))
    shrunk = (1 - share) * J_test + share * rho.predict_pair(m_test).joint
    yield "10 crossed Dirichlet heads, shrunk to rho p (1 - p)", PairDistribution(shrunk)


def likeliest_share(J, target, W):
    """Return the share of `target` in the mixture that tells the pairs best."""
    shares = np.linspace(0, 1, 41)
    losses = [-np.sum(W * np.log(np.maximum((1 - s) * J + s * target, 1e-300))) for s in shares]
    return shares[int(np.argmin(losses))]


def constant(p_held, p_test, two):
    """Give every cell of every row the mean squared error of the held-out pairs."""
    k = p_test.shape[1]
    error = max(float(squared_error_ustatistic(two, p_held).mean()), 0.0)
    covariance = error * (np.eye(k) - 1 / k) / (1 - 1 / k)
    return PairDistribution._of(p_test[:, :, None] * p_test[:, None, :] + covariance, p_test, method="constant")


# ---- judging


def judge(pairs, votes, p=None):
    """Return what is reported of one method on one split."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        confidence = np.nan_to_num(pairs.epistemic_confidence())
    found = second_order_calibration_error(votes, pairs)
    m, share = pairs.marginal, votes / votes.sum(axis=1, keepdims=True)
    row = {
        "error x1e4": 1e4 * found.error,
        "noise x1e4": 1e4 * found.noise_floor,
        "score x1e3": 1e3 * found.score,
        "rank corr.": found.rank_correlation,
        "MSE of m x1e4": 1e4 * squared_error_ustatistic(votes, m).mean(),
        "log loss": -np.mean(np.sum(share * np.log(np.maximum(m, 1e-12)), axis=1)),
        "V < 0, %": 100 * np.mean(pairs.epistemic_variance < 0),
    }
    if p is not None:
        sure = 1 - confidence <= BETA
        row |= {
            "wrong %": 100 * np.mean(np.sum(m * (p == 0), axis=1)),
            "bound %": 100 * np.mean(np.sum(m * (1 - confidence), axis=1)),
            "answered %": 100 * np.mean(np.sum(m * sure, axis=1)),
            "wrong of these %": 100 * np.sum(m * sure * (p == 0)) / max(np.sum(m * sure), 1e-12),
        }
    return row


SETS = {
    "SNLI, 3 features": lambda seed: chaosnli("snli", ["roberta0"], seed),
    "SNLI, 15 features": lambda seed: chaosnli("snli", ["roberta0", "roberta1", "roberta2", "bert0", "bert1"], seed),
    "MNLI, 9 features": lambda seed: chaosnli("mnli", ["roberta0", "roberta1", "roberta2"], seed),
    "digits, 6 features": digits,
}


def run(name, seed, methods=(heads_of, peers_of, dropped_of, crossed_of)):
    """Return {method: {measure: value}} of one split."""
    X, two, votes, p, parts = SETS[name](seed)
    found = {}
    for method in methods:
        for label, pairs in method(X, two, parts, seed):
            found[label] = judge(pairs, votes[parts[2]], None if p is None else p[parts[2]])
    return found


def print_table(name, runs):
    """Print means and standard deviations over seeds."""
    labels = list(runs[0])
    measures = list(runs[0][labels[0]])
    for each in runs:  # on one split the scores differ by less than they do between splits
        for label in labels:
            each[label]["score less baseline's"] = each[label]["score x1e3"] - each[BASELINE]["score x1e3"]
    measures.insert(3, "score less baseline's")
    print(f"\n{name}: mean (sd) over {len(runs)} seeds; the baseline is {BASELINE}")
    print("| |" + "|".join(measures) + "|")
    print("|---" * (len(measures) + 1) + "|")
    for label in labels:
        cells = []
        for measure in measures:
            values = np.array([each[label][measure] for each in runs])
            digits = 4 if measure == "log loss" else 3 if "score" in measure else 2 if np.abs(values).mean() < 10 else 1
            cells.append(f"{values.mean():.{digits}f} ({values.std(ddof=min(1, len(values) - 1)):.{digits}f})")
        print(f"|{label}|" + "|".join(cells) + "|", flush=True)


# ---- cost


def epochs(head, n_classes, n_components=8, n_epochs=25, n=1024, n_features=16):
    """Return a function that trains so many epochs on two answers per row; head None is a plain network."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_features))
    counts = rng.multinomial(2, np.full(n_classes, 1 / n_classes), size=n).astype(np.float64)
    few = X[:8], counts[:8]

    def work():
        rng = np.random.default_rng(1)
        if head is None:
            return train_plain(plain_network(n_features, n_classes, 0.0, rng), (X, counts), few, rng, n_epochs)
        network = _training.make_network(n_features, n_classes, head, n_components, HIDDEN, rng)
        return train_head(network, (X, counts), few, rng, n_epochs)

    return work


def rows():
    torch.set_num_threads(1)
    found = []
    for n_classes, head, n_components in (
        (100, "mixture", 8), (100, "mixture", 4), (100, "dirichlet", 1), (10, "mixture", 8), (10, "dirichlet", 1)
    ):  # fmt: skip
        found.append(
            compare(
                f"25 epochs of the {head} head ({n_components} components), {n_classes} classes, 1,024 rows",
                epochs(head, n_classes, n_components),
                epochs(None, n_classes),
                "one plain network",
                lambda ours, theirs: "not comparable",
                turns=5,
                limit="asked: 0.4 (2.5 networks)" if n_classes == 100 and head == "mixture" else "",
            )
        )
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    n_seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    for name in SETS:
        start = time.process_time()
        print_table(name, [run(name, seed) for seed in range(n_seeds)])
        print(f"{time.process_time() - start:.0f} s of CPU")
