"""A client library for accessing Okta"""
