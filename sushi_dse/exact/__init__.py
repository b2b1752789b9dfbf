"""The exact front of a space that is too large to walk, and the certificate that it is exact."""

from sushi_dse.exact.bounds import BOUNDED, refuse_unbounded
from sushi_dse.exact.certificate import Certificate, check
from sushi_dse.exact.folder import CERTIFICATE_FILE, read_settled, sweep_exactly, verify
from sushi_dse.exact.problem import Problem
from sushi_dse.exact.search import Found, exact_front

__all__ = [
    "BOUNDED",
    "CERTIFICATE_FILE",
    "Certificate",
    "Found",
    "Problem",
    "check",
    "exact_front",
    "read_settled",
    "refuse_unbounded",
    "sweep_exactly",
    "verify",
]
