DELETE FROM conflict WHERE tenant_id = $1 AND event_id = ANY ($2::uuid[])
