"""What every room stands on: errors, hashing, templates, registries, the loop, the home folder."""
