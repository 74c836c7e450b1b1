"""What the steps of an import share: connection, options, progress, and the results of earlier imports."""
