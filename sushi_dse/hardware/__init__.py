"""Accelerators, the devices that must hold them, the blocks that they take, and search spaces."""
