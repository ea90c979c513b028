"""Says which versions this environment has, and fails unless they are those of its side of `make test-matrix`."""

import importlib.metadata
import sys


def main(wanted):
    found = [sys.version.split()[0], importlib.metadata.version("pymc"), importlib.metadata.version("arviz")]
    print("Python {}, PyMC {}, ArviZ {}".format(*found))
    if not all(f"{have}.".startswith(f"{want}.") for have, want in zip(found, wanted, strict=True)):
        sys.exit("needed: Python {}, PyMC {}, ArviZ {}".format(*wanted))


if __name__ == "__main__":
    main(sys.argv[1:])
