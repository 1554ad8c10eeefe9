"""Prompts, one file each, readable by a person. Installed as `policyloop.prompts`."""
