SELECT tenant_id, name, currency, time_zone FROM tenant WHERE tenant_id = $1
