-- Every link of every subject that can be reached from those of $2.
WITH RECURSIVE reached (subject) AS (
    SELECT u.subject COLLATE "C" FROM unnest($2::text[]) AS u (subject)
  UNION
    SELECT l.other
    FROM reached r
    JOIN identity_link l ON l.tenant_id = $1 AND l.subject = r.subject
)
SELECT l.subject, l.other
FROM reached r
JOIN identity_link l ON l.tenant_id = $1 AND l.subject = r.subject
