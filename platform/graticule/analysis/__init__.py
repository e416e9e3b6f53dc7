"""Numbers with units and uncertainties: bodies, tables, sizes, kinetics."""
