"""What a training step costs: knotflow, its rivals and the floor, in one run (`python -m bench`)."""
