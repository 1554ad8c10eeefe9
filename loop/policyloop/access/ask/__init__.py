"""What is asked about access: requests, questions at a moment, and the names that policies and tests know."""
