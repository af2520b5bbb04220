"""Networks whose parameters are drawn independently. Each is `kf.laws.<name>(m, ...).draw(m, rng, norm)`. O(m)."""

from __future__ import annotations

from typing import SupportsIndex

import numpy as np

from knotflow.laws import drawn as laws
from knotflow.network.relunet import ReLUNet

__all__ = ["gaussian", "glorot", "he", "pytorch", "uniform"]


def pytorch(m: SupportsIndex, rng: np.random.Generator, *, norm: float = 1.0) -> ReLUNet:
    """PyTorch's default for Linear(1, m) and Linear(m, 1): uniform within 1/sqrt(fan-in), biases included.

    Parameters
    ----------
    m : int
        The number of neurons.
    rng : numpy.random.Generator
        The source of randomness.
    norm : float, default 1.0
        Of the network; the law of a, b and c does not depend on it.

    Returns
    -------
    ReLUNet

    Raises
    ------
    InputError
        If m is not a whole number of at least 1, rng no numpy Generator, a scale negative or norm not positive.

    Notes
    -----
    a, b ~ U(-1, 1) and c, bias ~ U(-1/sqrt m, 1/sqrt m); the law of b is that of torch's -b. Knots have
    density 1/4 on [-1, 1] and 1/(4 x^2) outside; the mean of delta is -2/3 + 1/(3m).

    O(m).

    References
    ----------
    PyTorch's `kaiming_uniform_` with a = sqrt 5, which Sahs et al. 2022 call "He".

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> net = kf.initial.pytorch(100, np.random.default_rng(0))
    >>> bool(np.abs(net.a).max() < 1), bool(np.abs(net.c).max() < 0.1)
    (True, True)
    """
    return laws.pytorch(m).draw(m, rng, norm)


def he(m: SupportsIndex, rng: np.random.Generator, sigma_b: float = laws.HE_SIGMA, *, norm: float = 1.0) -> ReLUNet:
    """He's Gaussian law: a ~ N(0, 2), b ~ N(0, sigma_b^2), c ~ N(0, 2/m), bias = 0.

    Parameters
    ----------
    m : int
        The number of neurons.
    rng : numpy.random.Generator
        The source of randomness.
    sigma_b : float, default sqrt(2)
        Standard deviation of b.
    norm : float, default 1.0
        Of the network; the law of a, b and c does not depend on it.

    Returns
    -------
    ReLUNet

    Raises
    ------
    InputError
        If m is not a whole number of at least 1, rng no numpy Generator, a scale negative or norm not positive.

    Notes
    -----
    Knots are Cauchy with scale sigma_b / sqrt 2. He sets first-layer biases to 0, which puts every knot
    at 0; they are drawn like a here unless sigma_b = 0 asks for that. The mean of the roughness is 4 /
    norm^2 for every m.

    O(m).

    References
    ----------
    He et al. 2015, equation (10); Sahs et al. 2022, theorem 2.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> kf.initial.he(3, np.random.default_rng(0), sigma_b=0.0).knots
    array([0., 0., 0.])
    """
    return laws.he(m, sigma_b).draw(m, rng, norm)


def glorot(m: SupportsIndex, rng: np.random.Generator, sigma_b: float | None = None, *, norm: float = 1.0) -> ReLUNet:
    """Glorot's Gaussian law: a, c ~ N(0, 2/(m + 1)), b ~ N(0, sigma_b^2), bias = 0.

    Parameters
    ----------
    m : int
        The number of neurons.
    rng : numpy.random.Generator
        The source of randomness.
    sigma_b : float, optional
        Standard deviation of b; that of a when left out: knots are then standard Cauchy.
    norm : float, default 1.0
        Of the network; the law of a, b and c does not depend on it.

    Returns
    -------
    ReLUNet

    Raises
    ------
    InputError
        If m is not a whole number of at least 1, rng no numpy Generator, a scale negative or norm not positive.

    Notes
    -----
    sigma_b = 0, as printed, puts all knots at 0. The mean of the roughness is 4 m / (m + 1)^2 / norm^2.

    O(m).

    References
    ----------
    Glorot and Bengio 2010, equation (12); Sahs et al. 2022, theorem 2.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> len(kf.initial.glorot(20, np.random.default_rng(0)))
    20
    """
    return laws.glorot(m, sigma_b).draw(m, rng, norm)


def gaussian(
    m: SupportsIndex,
    rng: np.random.Generator,
    sigma_a: float = 1.0,
    sigma_b: float = 1.0,
    sigma_c: float = 1.0,
    *,
    norm: float = 1.0,
) -> ReLUNet:
    """Gaussian laws: a ~ N(0, sigma_a^2), b ~ N(0, sigma_b^2), c ~ N(0, sigma_c^2), bias = 0.

    Parameters
    ----------
    m : int
        The number of neurons.
    rng : numpy.random.Generator
        The source of randomness.
    sigma_a, sigma_b, sigma_c : float, default 1.0
        Standard deviations.
    norm : float, default 1.0
        Of the network; the law of a, b and c does not depend on it.

    Returns
    -------
    ReLUNet

    Raises
    ------
    InputError
        If m is not a whole number of at least 1, rng no numpy Generator, a scale negative or norm not positive.

    Notes
    -----
    Knots are Cauchy with scale sigma_b / sigma_a.

    O(m).

    References
    ----------
    Sahs et al. 2022, corollary 1 (a).

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> kf.initial.gaussian(3, np.random.default_rng(0), sigma_c=0.0).delta_slopes + 0.0
    array([0., 0., 0.])
    """
    return laws.gaussian(m, sigma_a, sigma_b, sigma_c).draw(m, rng, norm)


def uniform(
    m: SupportsIndex,
    rng: np.random.Generator,
    bound_a: float = 1.0,
    bound_b: float = 1.0,
    bound_c: float = 1.0,
    *,
    norm: float = 1.0,
) -> ReLUNet:
    """Uniform laws: a, b, c ~ U(-bound, bound), each with its own bound; bias = 0.

    Parameters
    ----------
    m : int
        The number of neurons.
    rng : numpy.random.Generator
        The source of randomness.
    bound_a, bound_b, bound_c : float, default 1.0
        The bounds.
    norm : float, default 1.0
        Of the network; the law of a, b and c does not depend on it.

    Returns
    -------
    ReLUNet

    Raises
    ------
    InputError
        If m is not a whole number of at least 1, rng no numpy Generator, a scale negative or norm not positive.

    Notes
    -----
    Half of the knots lie within bound_b / bound_a of 0.

    O(m).

    References
    ----------
    Sahs et al. 2022, corollary 1 (b).

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> net = kf.initial.uniform(50, np.random.default_rng(0), bound_b=0.1)
    >>> bool(np.abs(net.b).max() < 0.1)
    True
    """
    return laws.uniform(m, bound_a, bound_b, bound_c).draw(m, rng, norm)
