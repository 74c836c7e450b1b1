"""The database tables.

SQL uses the constants at the end of each module. The name of a constant is the last word of the name of its table, or
the whole name where several tables end with the same word.
"""
