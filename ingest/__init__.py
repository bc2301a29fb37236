"""Sources of matches: the only package that downloads.

A reader turns text or bytes into match records and refused rows and knows no
store; ``intake`` joins readers and store, one transaction a file.
"""
