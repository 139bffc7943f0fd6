-- $1 tenant, $2 the last touched_id that is wanted, $3 how many at most
delete from touched
where tenant_id = $1
  and touched_id in (
    select touched_id
    from touched
    where tenant_id = $1 and touched_id <= $2
    order by touched_id
    limit $3)
returning subject, first_at, first_id, linked
