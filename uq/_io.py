"""What a GPU job left in a file becomes a dict of arrays."""

import numpy as np

from ._base.exceptions import InputError
from ._base.validation import check_switch
from ._formats import FORMATS, check_content, delimiter_of, existing_file, suffix_of, text_opener, unpacking
from ._json_lines import read_jsonl
from ._parquet import read_parquet
from ._selection import check_columns, check_rows, columns_of, gather, plan, selector
from ._stored import BROKEN, as_texts, check_plain, stored_arrays, tensors, unreadable, unzipping
from ._tables import read_csv

__all__ = ["read_outputs"]


def read_outputs(path, columns=None, *, memory_map=False) -> dict[str, np.ndarray]:
    """Read the outputs that a model left in a file.

    Parameters
    ----------
    path : str or path-like
        The suffix decides the format, and the content must agree with it: ``.csv`` and ``.tsv`` (with a header),
        ``.jsonl`` (or ``.ndjson``; one object per line), these three also with ``.gz``; ``.npz``, ``.npy`` and
        ``.safetensors``; ``.parquet`` (extra ``io``).
    columns : dict, optional
        Our name -> the file's name, or a list of the file's names, which become the columns of a matrix of shape
        (n_samples, len(list)). Only these are read. Default: every column, under the name that it has in the file.
    memory_map : bool, default False
        Return arrays that stay in the file and come into memory where they are touched, for what is larger than memory:
        ``.npy``, ``.npz`` that `numpy.savez` wrote (uncompressed), ``.safetensors`` other than bfloat16. They are
        read-only, and the file must stay as it is. A matrix that is put together from columns is a copy in memory.

    Returns
    -------
    dict of str to ndarray
        Arrays with one common first dimension, n_samples. The names that other functions know are ``y_pred``,
        ``y_prob``, ``scores``, ``answers``, ``y_std``, ``y_var``, ``y``, ``n_correct``, ``n_trials``, ``groups``,
        ``strata`` and ``sample_weight``; other columns keep theirs. A missing value is NaN in a column of numbers and
        None in one of texts.

    Raises
    ------
    InputError
        If the file does not exist, is empty, is not what its suffix says, or could run code when loaded (a pickle, a
        PyTorch checkpoint, an array of Python objects); for rows of different length (the row is named), names that
        occur twice, columns that are not there, arrays of different first dimension.
    MissingExtraError
        If Parquet is asked for and the extra ``io`` is not installed.

    See Also
    --------
    iter_outputs : the same in batches of rows, for files that are larger than memory.

    Notes
    -----
    **Guarantee.** None is needed: values are read, never computed with. Nothing in the file is executed, and no value
    is dropped or filled in.

    Without `columns`, a complete run ``y_prob_0, y_prob_1, ..., y_prob_{K-1}`` (K at least 2) becomes one matrix
    ``y_prob`` of shape (n_samples, K); so do runs named scores, answers, y_pred and log_probs. Runs with gaps keep
    their names. Every row of a JSON lines file must then have the keys of the first row, and no others.

    In CSV the type of a column is decided by all of its rows: true/false, integers, numbers, else text. An empty cell
    is missing; ``NA``, ``N/A``, ``null`` and ``None`` are missing in columns that otherwise hold numbers or
    true/false. Identifiers such as ``1_2`` and ``01`` and integers beyond 64 bits stay text; so do integers beyond
    2**53 in a column which a missing value or a float would turn into floats, and round. In JSON lines and Parquet such
    a column is refused, and lists of equal length become a matrix. bfloat16 becomes float32. Arrays of floats keep
    their precision.

    A first column without a name becomes "index" (pandas writes its index so); an unnamed column elsewhere is refused.
    What is wrong in a text file is reported by its line, or by its row counted from 1; rows of arrays are counted from
    0 in all other messages.

    **Comparing columns.** ``pred == y`` gives silently wrong scores where a value is missing: None equals None, so two
    missing texts count as right; NaN equals nothing, so a missing number counts as wrong, and no `nan_policy` ever sees
    it. A column of numbers in which one answer is a text ("I don't know") is a column of texts, and equals no number.
    Compare columns of one kind, and say what is missing::

        missing = np.array([p is None or t is None or p != p or t != t for p, t in zip(pred, y)])
        correct = np.where(missing, np.nan, pred == y)
        estimate_mean(correct, nan_policy="omit")  # leaves them out, and says how many as n_dropped

    Where an answer that never came counts as a wrong one, put 0 in place of NaN for missing predictions.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from uq import read_outputs
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "outputs.csv"
    >>> with path.open("w") as file:
    ...     print("label,p_cat,p_dog,item", "0,0.75,0.25,a", "1,0.5,0.5,b", sep=chr(10), file=file)
    >>> outputs = read_outputs(path, columns={"y": "label", "y_prob": ["p_cat", "p_dog"]})
    >>> outputs["y"], outputs["y_prob"].shape
    (array([0, 1]), (2, 2))
    >>> sorted(read_outputs(path))
    ['item', 'label', 'p_cat', 'p_dog']
    >>> folder.cleanup()
    """
    owner = "read_outputs"
    path = existing_file(path, owner)
    suffix, packed = suffix_of(path, owner)
    wanted = check_columns(columns, owner)
    check_switch(memory_map, owner, "memory_map")
    where = f"{owner}: {str(path)!r}"
    check_content(path, suffix, packed, where)
    if memory_map:
        arrays = _mapped(path, suffix, selector(wanted, where), where)
    else:
        arrays = _read(path, suffix, packed, selector(wanted, where), where, wanted is None)
    found = columns_of(arrays)
    check_rows(found, where)
    return gather(arrays, plan(found, columns, wanted, where))


def _mapped(path, suffix, select, where):
    if suffix not in (".npy", ".npz", ".safetensors"):
        raise InputError(
            f"{where}: memory_map must be False for {suffix}: only .npy, .npz of numpy.savez and .safetensors lie in a "
            "file as they do in memory. Go through the rows with iter_outputs."
        )
    return {name: stored.mapped() for name, stored in stored_arrays(path, suffix, select, where).items()}


def _read(path, suffix, packed, select, where, whole):
    if FORMATS[suffix] in ("text", "JSON lines"):
        with unpacking(where):
            opened = text_opener(path, packed)
            if FORMATS[suffix] == "JSON lines":
                return read_jsonl(opened, select, where, whole=whole)
            return read_csv(opened, select, where, delimiter_of(suffix))
    reader = {".npz": _read_npz, ".npy": _read_npy, ".parquet": read_parquet, ".safetensors": _read_safetensors}
    return reader[suffix](path, select, where)


def _read_npz(path, select, where):
    with unzipping(where), np.load(path, allow_pickle=False) as archive:
        return {name: _loaded(lambda name=name: archive[name], name, where) for name in select(archive.files)}


def _read_npy(path, select, where):
    return {name: _loaded(lambda: np.load(path, allow_pickle=False), name, where) for name in select([path.stem])}


def _loaded(load, name, where):
    try:
        array = load()
    except BROKEN as error:
        raise unreadable(error, name, where) from None
    check_plain(array.dtype, name, where)
    return as_texts(array, f"{where}: {name!r}")


def _read_safetensors(path, select, where):
    return {name: stored.whole() for name, stored in tensors(path, select, where).items()}
