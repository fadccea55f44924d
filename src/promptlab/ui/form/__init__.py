"""Forms over a text of YAML: the experiment's, and the settings of the playground's techniques."""
