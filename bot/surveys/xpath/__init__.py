"""XPath 1.0 with the OpenRosa functions, compiled to Python closures."""
