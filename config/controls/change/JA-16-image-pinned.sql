/*---
id: JA-16
title: The image is pinned by digest and comes from an approved registry
area: change
severity: medium
needs: [jobs]
subjects: |
  select job_id, case when init then 'init container ' else 'container ' end || container as subject from containers
empty: the job has no container
frameworks:
  mcsb: [DS-6]
  iso27001: [A.8.19]
  soc2: [CC6.8, CC8.1]
  nist80053: [CM-3, CM-5]
  pci: ["6.5.1"]
rationale: >
  A tag can be moved to other code without any change of the job, so neither an approval nor a rollback holds on to what
  really ran. A digest is the content.
remediation: >
  Deploy the image as name@sha256:… from an approved registry; let the pipeline resolve the tag once and record the digest
  with the change.
limits: >
  That the digest is what was reviewed, built from known source and free of known flaws is not checked, nor that the
  registry still has it. Images that running code pulls by itself are not seen. Without a baseline of registries any
  passes.
parameters:
  approved_registries:
    type: list of text
    default: []
    description: Registries, or registry/path prefixes, that images may come from; empty = no baseline, any registry passes.
---*/
with setting as (
    select list_transform(from_json(max(value), '["VARCHAR"]'), lambda each: lower(rtrim(each, '/'))) as approved
    from parameters
    where control_id = 'JA-16' and name = 'approved_registries' and job_id is null
),
judged as (
    select image.*, coalesce(digest, '') <> '' as pinned, len(setting.approved) = 0 as open,
           coalesce(list_bool_or(list_transform(
               setting.approved,
               lambda each: starts_with(lower(coalesce(registry, 'docker.io') || '/' || coalesce(repository, '')) || '/', each || '/')
           )), false) as approved
    from containers as image cross join setting
)
select job_id,
       case when init then 'init container ' else 'container ' end || container as subject,
       case when pinned and (open or approved) then 'pass' else 'fail' end as verdict,
       case
           when pinned then 'pinned by digest'
           when tag is null then 'not pinned: neither a tag nor a digest, so the platform takes latest'
           else 'not pinned: the tag ' || tag || ' can be moved'
       end
       || case
           when open then '; no baseline of approved registries is set'
           when approved then '; from the approved registry ' || coalesce(registry, 'docker.io')
           else '; ' || coalesce(registry, 'docker.io') || ' is not an approved registry'
       end
       || ' (' || image || ')' as reason,
       raw_ref
from judged
