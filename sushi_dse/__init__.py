"""Design-space exploration of SubGraph-stationary inference accelerators."""
