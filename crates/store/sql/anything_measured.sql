SELECT EXISTS (SELECT FROM exposure x WHERE x.tenant_id = $1 AND x.experiment = $2)
    OR EXISTS (SELECT FROM contribution c WHERE c.tenant_id = $1 AND c.definition_id = $3)
