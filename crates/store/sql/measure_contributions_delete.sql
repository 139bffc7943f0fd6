delete from contribution
where tenant_id = $1
  and (definition_id, person) in (select c.definition_id, c.person from unnest($2::bigint[], $3::text[]) as c (definition_id, person))
