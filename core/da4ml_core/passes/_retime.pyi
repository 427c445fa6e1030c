from array import array

class Retiming:
    def __init__(
        self,
        widths: array[int],
        delays: array[int],
        start: array[int],
        operands: array[int],
        fixed: array[int],
        is_output: array[int],
        stages: array[int],
    ) -> None: ...
    def earliest(self, limit: int) -> int: ...
    def ascend(self, last_stage: int) -> bool: ...
    @property
    def stages(self) -> list[int]: ...
    @property
    def counts(self) -> tuple[int, int]: ...
