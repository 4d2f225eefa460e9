/*---
id: JA-24
title: What was before a change is known, so that it can be taken back
area: change
severity: medium
needs: [jobs, activity_log, resource_changes]
fails_despite: [activity_log, resource_changes]
subjects: |
  select job_id, subject
  from change_tickets where relation = 'job' and kind in ('configuration', 'deletion') and state not in ('unused', 'not_expected')
empty: no write of the job is known in the window
frameworks:
  mcsb: [DS-6]
  iso27001: [A.8.32]
  soc2: [CC8.1]
  nist80053: [CM-3]
  pci: ["6.5.1"]
rationale: >
  Going back needs to know where to: the values from before the change, and the content of the image from before. Azure tells
  the values for fourteen days; runs keep what they saw of them. A tag says nothing about content that was there before it
  was moved.
remediation: >
  Deploy images by digest, and keep the job's definition in version control; collect at least every fourteen days (jobaudit
  schedule tells how often), so that the values from before are kept.
limits: >
  Definitions in version control, and what a ticket says about going back, are not seen here. Whether the registry still holds
  an image is asked for images that jobs have now, not for those from before. Values that were hidden as secrets have to be
  entered anew.
---*/
with writes as (
    select change_id, job_id, subject, "at", raw_ref
    from change_tickets
    where relation = 'job' and kind in ('configuration', 'deletion') and state not in ('unused', 'not_expected')
),
held as (
    select c.change_id, lower(c.job_id) as job_key, count(*) filter (where c.before_after = 'known') as known,
           count(*) filter (where c.before_after <> 'known') as unknown, max(c.ended_at) as ended_at,
           bool_or(c.before_after = 'cut by Azure') as cut,
           count(*) filter (where c.before_after = 'known' and contains(c.before, '[redacted:')) as hidden
    from changes c join writes w on w.change_id = c.change_id and lower(w.job_id) = lower(c.job_id)
    group by all
),
pictures as (
    select c.change_id, lower(c.job_id) as job_key, c.before as image, contains(c.before, '@sha256:') as pinned,
           bool_or(d.image is not null and (d.digest is null or d.note ilike '%no such%')) as gone,
           bool_or(d.digest is not null and d.updated_at < c."at") as still,
           bool_or(g.job_id is not null) as unasked, bool_or(d.image is not null) as asked
    from changes c
    join writes w on w.change_id = c.change_id and lower(w.job_id) = lower(c.job_id)
    left join image_digests d on d.image = c.before
    left join job_gaps g on g.kind = 'image_digests' and lower(g.job_id) = lower(c.job_id)
    where c.before_after = 'known' and regexp_matches(c.property, '(^|\.)image$') and coalesce(c.before, '') <> ''
    group by all
),
images as (
    select change_id, job_key,
           min(image) filter (where gone) as gone,
           min(image) filter (where not pinned and not still and not unasked) as moved,
           min(image) filter (where not pinned and not still and unasked) as untold,
           string_agg(image, ', ' order by image) as named, bool_and(asked) as asked
    from pictures group by all
),
last_run as (
    select w.change_id, lower(w.job_id) as job_key, arg_max(h.images, row(h.started, h.execution_id)) as images
    from writes w join execution_history h on lower(h.job_id) = lower(w.job_id) and h.started < w."at"
    where h.images is not null
    group by all
),
judged as (
    select w.*, held.known, held.unknown, held.cut, held.hidden, images.gone, images.moved, images.untold, images.named, images.asked,
           last_run.images as ran,
           -- what is written while the job comes into being may be several writes; the first one makes it
           coalesce(job.created_at between w."at" - interval 1 minute and held.ended_at + interval 5 minutes, false)
               and w."at" = min(w."at") over (partition by lower(w.job_id)) as made
    from writes w
    left join held on held.change_id = w.change_id and held.job_key = lower(w.job_id)
    left join images on images.change_id = w.change_id and images.job_key = lower(w.job_id)
    left join last_run on last_run.change_id = w.change_id and last_run.job_key = lower(w.job_id)
    left join jobs job on lower(job.job_id) = lower(w.job_id)
)
select job_id, subject,
       case when made then 'not_applicable' when gone is not null or moved is not null then 'fail'
            when coalesce(unknown, 1) > 0 or untold is not null then 'not_assessed' else 'pass' end as verdict,
       case when made then 'it made the job: there was nothing before'
            when gone is not null then 'the registry no longer has the image from before, ' || gone
            when moved is not null then 'the image from before is named by a tag, and nothing tells what it stood for: ' || moved
                || if(asked, '', ' (its registry was not asked about it)')
            when untold is not null then 'the image from before is named by a tag, and its registry could not be asked: ' || untold
            when coalesce(unknown, 1) > 0 then if(cut, 'Azure cut the values from before it', 'Azure doesn''t tell, or no longer, what was before it')
                || coalesce('; the execution before it ran ' || ran::VARCHAR, '')
            else known || if(known = 1, ' value from before it is known', ' values from before it are known')
                || coalesce('; the image was ' || named
                            || if(asked, '', ', and its registry was not asked whether it still has it'), '; the image stayed')
                || if(hidden > 0, '; ' || hidden || ' secret, to be entered anew', '') end as reason,
       raw_ref
from judged
