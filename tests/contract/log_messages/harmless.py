"""What stands in the place of a cause where there is none."""

HARMLESS = "harmless"
