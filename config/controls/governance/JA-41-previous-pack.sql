/*---
id: JA-41
title: The previous pack is intact, signed, complete and approved
area: governance
severity: medium
needs: [jobs]
subjects: |
  select job_id, 'previous pack' as subject from jobs where in_scope
empty: there is no such job
frameworks:
  mcsb: [IR-7]
  iso27001: [A.5.28, A.5.33]
  soc2: [CC2.1]
  nist80053: [AU-9, AU-10, AU-11]
  pci: ["10.3.2", "10.3.4"]
rationale: >
  Evidence that nobody signed off is a folder of files. The compliance pack before this one is looked for beside it: every file
  as its seal says, signed, without gaps in its coverage, and approved, with conditions or without, by those whom [approval]
  asked for.
remediation: >
  Sign packs (jobaudit keygen seal.pem, then key_file = "seal.pem" under [seal] in audit.toml), fill gaps (jobaudit resume RUN)
  before a pack is rendered, and have it approved: jobaudit approve PACK --decision approved --by … --role … --ticket … --comment …. A pack that was changed
  has to be restored from a copy: jobaudit verify PACK names the files.
limits: >
  Only packs that lie below this store's output folder when this one is rendered are seen; one that was archived elsewhere
  isn't. That the signing key is one to trust only jobaudit verify --key tells; names of approvers are asserted unless their records are signed.
---*/
with looked_at as (
    select *, len(lacking::VARCHAR[]) as owed,
           approval in ('approved', 'approved with conditions') as good
    from earlier_packs where kind = 'compliance'
),
previous as (from looked_at where run_started is not null),
untold as (
    select count(*) as packs, min(pack || ': ' || coalesce(damage, '')) as first from looked_at where run_started is null
)
select jobs.job_id,
       'previous pack' as subject,
       case when not p.intact or not p.signed or p.gaps > 0 or not p.good then 'fail'
            when p.pack is null or untold.packs > 0 or p.gaps is null or p.good is null or p.signed is null then 'not_assessed'
            else 'pass' end as verdict,
       concat_ws('; ',
           case when untold.packs > 0 then 'what may be the previous pack can''t be read: ' || left(untold.first, 300)
                || case when untold.packs > 1 then ', and ' || (untold.packs - 1) || ' more' else '' end end,
           case when p.pack is null and untold.packs = 0 then 'no earlier compliance pack lies in this store' end,
           case when p.pack is not null then concat_ws('; ',
                case when not p.intact then 'it is not as it was sealed: ' || left(coalesce(p.damage, ''), 300) end,
                case when not p.signed then 'nobody signed it' end,
                case when p.gaps > 0 then p.gaps || if(p.gaps = 1, ' gap is', ' gaps are') || ' in its coverage'
                     when p.gaps is null then 'how complete it is can''t be read' end,
                case when p.approval is null then 'what people said of it can''t be read'
                     when not p.good then 'it is not approved but ' || p.approval
                          || case when p.owed > 0 then ', lacking ' || array_to_string(p.lacking::VARCHAR[], ', ') else '' end
                     else 'it is ' || p.approval || ' by ' || coalesce(nullif(array_to_string(list_transform(
                          p.approvals::JSON[], lambda a: a ->> 'by'), ', '), ''), 'nobody named')
                          || case when p.asserted > 0 then ' (asserted, not signed)' else '' end end,
                case when p.flagged > 0 then p.flagged || ' of its approvers are not independent' end)
                || ' (' || p.pack || ')' end) as reason,
       jobs.raw_ref
from jobs left join previous p on true cross join untold
where jobs.in_scope
