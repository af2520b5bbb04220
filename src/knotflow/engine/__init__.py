"""Compiled kernels: neurons on arcs, prefix sums over samples, one training step in O(m + s) or less.

arcs      what an arc is, and the sums over samples and neurons that everything else uses
descent   plain gradient descent, where neurons far from every sample sleep
stepwise  momentum and Adam, neuron by neuron
dense     the slow, obvious twin of all of them, for tests
"""
