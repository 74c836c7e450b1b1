"""Made-up input of every shape, to see that nothing but a sentence comes of it."""
