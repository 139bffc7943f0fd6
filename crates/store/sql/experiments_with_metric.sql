SELECT body FROM experiment
WHERE tenant_id = $1 AND body -> 'metrics' @> jsonb_build_array(jsonb_build_object('metric', $2::text))
ORDER BY experiment
