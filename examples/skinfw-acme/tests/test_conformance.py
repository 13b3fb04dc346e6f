from skinfw.testing import conformance

test_conformance = conformance("acme")
