-- The contributions to a version of the persons after $3 up to $4.
delete from contribution
where tenant_id = $1 and definition_id = $2 and ($3::text is null or person > $3) and person <= $4
