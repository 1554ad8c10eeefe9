"""What every code means, a page a kind. Installed as `policyloop.pages`."""
