-- $1 tenant, $2 version, $3 dimension, $4 how many bytes about: no piece after the one that reaches them. As in measure_claim.sql, a
-- statement sees one moment.
DELETE FROM tally_change
WHERE tenant_id = $1 AND definition_id = $2 AND dimension = $3
  AND change_id <= (
    SELECT max(w.change_id)
    FROM (
      SELECT c.change_id, sum(octet_length(c.rows)) OVER (ORDER BY c.change_id) - octet_length(c.rows) AS before
      FROM tally_change c
      WHERE c.tenant_id = $1 AND c.definition_id = $2 AND c.dimension = $3) AS w
    WHERE w.before < $4)
RETURNING rows
