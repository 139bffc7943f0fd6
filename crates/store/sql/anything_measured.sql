-- Nobody contributes to an experiment without an exposure to it.
SELECT EXISTS (SELECT FROM exposure x WHERE x.tenant_id = $1 AND x.experiment = $2)
