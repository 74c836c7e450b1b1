"""The product's name and version, for the footer and the User-Agent."""

PRODUCT = "DSpace-Connector"
__version__ = "0.1.0"
