"""The exact front of a space by branch and bound, and the certificate that it is exact."""
