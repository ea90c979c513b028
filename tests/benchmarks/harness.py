"""Times us and a peer in turn on the same work, checks that the answers agree, and keeps the ratio."""

import math
import time
from dataclasses import dataclass

__all__ = ["Row", "compare", "table"]


@dataclass(frozen=True)
class Row:
    """One comparison: seconds are the best of several turns, `ratio` is peer over ours."""

    task: str
    peer: str
    ours_s: float
    peer_s: float
    agreement: str
    limit: str

    @property
    def ratio(self):
        return self.peer_s / self.ours_s


def compare(task, ours, peer, peer_name, agree, *, turns=3, limit=""):
    """Run ours, peer, ours, peer, ...; `agree(our_answer, peer_answer)` returns a text or raises."""
    best = [float("inf"), float("inf")]
    answers = [None, None]
    for _ in range(turns):
        for i, work in enumerate((ours, peer)):
            start = time.perf_counter()
            answers[i] = work()
            best[i] = min(best[i], time.perf_counter() - start)
    return Row(task, peer_name, best[0], best[1], agree(*answers), limit)


def table(rows):
    """Return a Markdown table."""
    lines = [
        "| task | peer | ours, s | peer, s | ratio | the answers | distance from the limit |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        theirs = "- | -" if math.isnan(row.peer_s) else f"{row.peer_s:.4f} | {row.ratio:.1f}x"  # no peer can do it
        lines.append(f"| {row.task} | {row.peer} | {row.ours_s:.4f} | {theirs} | {row.agreement} | {row.limit} |")
    return "\n".join(lines)
