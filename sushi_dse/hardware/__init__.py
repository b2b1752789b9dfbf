"""The accelerator, the device that must hold it, what it takes of it, and search spaces."""
