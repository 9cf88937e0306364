"""One long check per module: a function that takes a Setting and returns a line of figures."""
