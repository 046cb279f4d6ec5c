"""The parts of ``scripts/bench``: the questions, the server, the contestants, the rounds and the report."""
