"""Everything that speaks HTTP to browsers: blueprints, forms, limits and error pages."""
