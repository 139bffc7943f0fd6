-- $1 tenant, $2 experiment, $3 the subject after which to go on, $4 how many at most
select subject from exposure
where tenant_id = $1 and experiment = $2 and ($3::text is null or subject > $3)
order by subject
limit $4
