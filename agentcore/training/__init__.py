"""Train what makes a model's decoding cheaper, on texts that the model writes itself."""
