"""Whether .8 really means 80 %, and how to make it so. The room is empty so far: its issues come next."""

__all__: list[str] = []
