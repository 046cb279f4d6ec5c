"""The sans-I/O core: steps, the layers around a flow, and the two drivers that perform them."""
