"""Situations on real connections, in network namespaces made for them: runs what fixtures/scenarios describes."""
