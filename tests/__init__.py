"""The tests. Each folder has those of the package of its name; ``support`` is for all."""
