"""`make bench`: runs every bench_*.py beside this file and writes one table of ratios to build/bench.md."""

import importlib.util
import sys
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness import table  # noqa: E402


def main(names):
    """Return the names of the files that broke down; their rows are missing, those of the others are kept."""
    rows, broken = [], []
    out = HERE.parents[1] / "build" / "bench.md"
    out.parent.mkdir(exist_ok=True)
    for path in sorted(HERE.glob("bench_*.py")):
        if names and path.stem.removeprefix("bench_") not in names:
            continue
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
            rows += module.rows()
        except Exception:
            traceback.print_exc()
            broken.append(path.stem)
        out.write_text(table(rows) + "\n", encoding="utf-8")
    print(table(rows))
    return broken


if __name__ == "__main__":
    if broken := main(sys.argv[1:]):
        sys.exit(f"broke down: {', '.join(broken)}")
