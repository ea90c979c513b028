"""The ground floor: what several rooms share. Nothing here knows a room above it."""
