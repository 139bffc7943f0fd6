-- Measure commits may be lost in a crash, and no number may stand for two states: so it grows with the clock as well.
UPDATE measure_state SET generation = greatest(generation + 1, $2) WHERE tenant_id = $1
