-- Every link of every subject that can be reached from those of $2.
WITH RECURSIVE reached (subject) AS (
    SELECT u.subject COLLATE "C" FROM unnest($2::text[]) AS u (subject)
  UNION
    SELECT l.other
    FROM reached r
    CROSS JOIN LATERAL (
      SELECT i.other FROM identity_link i WHERE i.tenant_id = $1 AND i.subject = r.subject OFFSET 0) AS l
)
SELECT r.subject, l.other
FROM reached r
CROSS JOIN LATERAL (
  SELECT i.other FROM identity_link i WHERE i.tenant_id = $1 AND i.subject = r.subject OFFSET 0) AS l
