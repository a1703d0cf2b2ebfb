"""Floor 0: the rules of Modelkeep as pure values and functions. No clock, no I/O, no framework."""
