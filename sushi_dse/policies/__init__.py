"""The policies by name: rules for the kernel, systems of their own, and classes in users' files."""
