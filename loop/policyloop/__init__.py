"""policyloop: let an AI write Cerbos policies without having to trust it."""
