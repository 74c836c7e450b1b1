"""The examples in deploy/, run with the programs that they are made for."""
