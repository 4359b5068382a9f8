"""Interception: a program with June's address in it, run unchanged against a fake."""
