"""What a policy bundle lets in: asked of the real PDP, for bundles side by side."""
