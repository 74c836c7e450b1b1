"""The product's name and version, as they stand in the footer and in the User-Agent."""

PRODUCT = "DSpace-Connector"
__version__ = "0.1.0"
