"""Random input of every shape. The app answers it with a sentence and never crashes."""
