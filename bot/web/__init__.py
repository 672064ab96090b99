"""Webhooks, console and pages over HTTP. Imports every room below, and fastapi; no room imports it."""
