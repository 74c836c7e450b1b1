"""The web interface: blueprints, forms, rate limits and error pages."""
