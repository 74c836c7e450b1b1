"""The examples in deploy/, tried with the programs that they are for."""
