"""The compiled kernels of the dynamics. Nothing else writes into arrays, and these only into their own.

arcs      what an arc is, and the sums over samples and neurons that everything else uses
descent   gradient descent, in O(s) a step plus O(1) for each neuron near a sample
moments   momentum and Adam, neuron by neuron
reasons   why a run of steps came back
simd      vectors of LANES doubles
compiled  the decorators of compiled functions, and their cache
dense     the slow, obvious twin of all of them, for tests
"""
