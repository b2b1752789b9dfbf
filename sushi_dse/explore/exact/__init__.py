"""The exact front of a space that is too large to walk, and the certificate that it is exact."""
