"""The serving policies: rules for the kernel, policies with a system of their own, user classes."""
