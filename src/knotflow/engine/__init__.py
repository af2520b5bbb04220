"""The compiled kernels of the dynamics. Nothing else writes into arrays, and these only into their own.

arcs        what an arc of neuron directions is, and which one a neuron is on
sums        prefix sums over samples, sums over neurons, predictions
tangent     the tangent kernel by arcs
descent/    gradient descent: interior neurons by the arc, boundary neurons one by one
moments/    momentum and Adam, neuron by neuron
flow/       the exact gradient flow
particles/  the canonical and the mean-field flow
dense       the slow twins of all of them, for tests

codes       why an engine came back, and the kinds of events
compiled    numba's njit with a cache that follows every source file
simd        vectors of LANES doubles

docs/engine.md explains them in four pictures.
"""
