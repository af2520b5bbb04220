"""What knotflow raises and warns: every message names the argument, what it was and what it must be."""

from __future__ import annotations


class KnotflowError(Exception):
    """Base class of every error that knotflow raises on purpose.

    Examples
    --------
    >>> import knotflow as kf
    >>> try:
    ...     kf.ReLUNet([1.0], [0.0], [1.0], norm=-1.0)
    ... except kf.KnotflowError as error:
    ...     print(error)
    norm is -1.0: it must be a finite number > 0
    """


class InputError(KnotflowError, ValueError):
    """An argument, a file or a column is not what it must be; the message says what would be right.

    It is a `KnotflowError` and a ValueError.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.Samples([0.0, 0.0], [1.0, 2.0])
    Traceback (most recent call last):
    knotflow.errors.InputError: all 2 x are equal to 0.0: at least two distinct x are needed
    """


class MissingLibraryError(KnotflowError, ImportError):
    """A library that only a part of knotflow needs is not installed; the message says how to install it."""


class StabilityWarning(UserWarning):
    """The learning rate is above the stability bound 2 / (largest eigenvalue of the tangent kernel).

    The bound is in the message, and `kf.stability_limit` computes it.

    Examples
    --------
    >>> import warnings
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [0.0], [1.0]), kf.Samples([1.0, 2.0], [0.0, 1.0])
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     run = kf.evolve(net, data, kf.GradientDescent(lr=0.5), steps=1)
    >>> caught[0].category is kf.StabilityWarning
    True
    """


class DivergenceWarning(UserWarning):
    """A run left the region where its loss means anything and was stopped; the message says when and why.

    Examples
    --------
    >>> import warnings
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [0.0], [1.0]), kf.Samples([1.0, 2.0], [0.0, 1.0])
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     run = kf.evolve(net, data, kf.GradientDescent(lr=9.0, train={"c"}), steps=100)
    >>> run.status, kf.DivergenceWarning in [each.category for each in caught]
    ('diverged', True)
    """
