"""Rankings from model judges and the next experiment to run. The room is empty so far: its issues come next."""

__all__: list[str] = []
