"""The Claude Code skill: references and scripts. Installed as `policyloop.skill`."""
