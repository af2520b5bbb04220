"""The compiled kernels of the dynamics. Nothing else writes into arrays, and these only into their own.

arcs      what an arc is, which one a direction is on
sums      sums over neurons and over samples by arc, predictions, residuals
tangent   the tangent kernel by arcs
flow      the gradient flow: propagators, implicit steps in the residuals, crossings
particles the flow in canonical parameters, and weighted particles
codes     why these two came back, and the kinds of their events
compiled  `kernel` and `inner`, numba's `njit` as the engine uses it
descent   plain gradient descent, where neurons far from every sample sleep
stepwise  momentum and Adam, neuron by neuron
dense     the slow, obvious twin of all of them, for tests
"""
