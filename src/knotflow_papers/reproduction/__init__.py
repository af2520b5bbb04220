"""How a figure or table of a paper is run: what an experiment is, its trials in processes, its dataset, its page.

experiment  the records `Experiment` and `Parameter`, and `experiment` that makes one of a module
verdict     `Check`, and the `Verdict` that follows from all checks of an item
registry    the experiments there are
dataset     the results of trials as one dataset, and trials in files
runner      running and resuming
outcome     what became of an item
panels      grids of panels, legends, and the small drawings that many figures share
page        the HTML report
torch_time  what the same training would take in PyTorch
"""
