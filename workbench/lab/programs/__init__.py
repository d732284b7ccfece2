"""The two ends of a lab connection: small programs that verify every byte they exchange."""
