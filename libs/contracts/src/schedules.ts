import { z } from 'zod';
import { FailureFact, Params, Priority, Tenant, When, Who } from './values.js';
import { RepositoryRef, RunId } from './ids.js';

export const ScheduleId = z.string().regex(/^sch_[0-9a-hjkmnp-tv-z]{26}$/).meta({ id: 'ScheduleId' });

/** What starts by the clock, and when. */
export const ScheduleRequest = z.object({
  scheduleId: ScheduleId,
  cron: z.string().max(100).regex(/^\S+( +\S+){4}$/, 'five fields: minute, hour, day of the month, month, day of the week').describe('Five fields, as in crontab: `30 3 * * 1-5`.'),
  timeZone: z.string().min(1).max(60).describe('Of the IANA database: `Europe/Berlin`.'),
  pipeline: z.string().min(1).max(64), repository: RepositoryRef, ref: z.string().max(256).optional(), params: Params, cache: z.boolean().optional(), tenant: Tenant.optional(), priority: Priority.optional(), requestedBy: Who,
});
export type ScheduleRequest = z.infer<typeof ScheduleRequest>;

export const Schedule = z.object({
  ...ScheduleRequest.shape, createdAt: When, nextAt: When,
  /** The last occurrence, and the run that it started or why it did not. */
  lastAt: When.optional(), lastRunId: RunId.optional(), lastFailure: FailureFact.optional(),
}).meta({ id: 'Schedule' });
export type Schedule = z.infer<typeof Schedule>;
