-- What leaves the queue was received until $2. Never lowered: what left it before may have been received later.
UPDATE measure_state SET claimed_through = $2
WHERE tenant_id = $1 AND (claimed_through IS NULL OR claimed_through < $2)
