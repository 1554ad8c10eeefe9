"""`python -m policyloop`."""

from policyloop.cli import main

if __name__ == "__main__":
    main()
