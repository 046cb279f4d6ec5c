"""What ``scripts/bench`` is made of: the questions, the server, the contestants, the rounds and the report."""
