"""Sets with guaranteed coverage for batches of unseen outcomes. The room is empty so far: its issues come next."""

__all__: list[str] = []
