import { z } from 'zod';

/** How many runs may start within a window that slides with the time. Over it a start is refused before anything begins. */
export const WINDOW_LIMITS = ['runs-per-user', 'runs-per-repository'] as const;
/** How many tasks may be with the agents at a time. Over it they wait, and nothing is refused. */
export const CONCURRENCY_LIMITS = ['concurrency-per-repository', 'concurrency-per-tenant', 'concurrency-per-service', 'concurrency-per-provider'] as const;
export type WindowLimit = (typeof WINDOW_LIMITS)[number];
export type ConcurrencyLimit = (typeof CONCURRENCY_LIMITS)[number];
export const LimitKind = z.enum([...WINDOW_LIMITS, ...CONCURRENCY_LIMITS]).meta({ id: 'LimitKind' });
export type LimitKind = z.infer<typeof LimitKind>;

/** The key that stands for each one that has no limit of its own. */
export const EVERYBODY = '*';

const hasWindow = (kind: LimitKind): kind is WindowLimit => (WINDOW_LIMITS as readonly LimitKind[]).includes(kind);

/** `key`: the user, repository, tenant, service or model provider that it is for, or `*`. */
export const LimitName = z.object({ kind: LimitKind, key: z.string().min(1).max(1024) });
export type LimitName = z.infer<typeof LimitName>;

export const Limit = z.object({
  ...LimitName.shape, max: z.int().min(0).max(1_000_000),
  windowSeconds: z.int().min(1).max(31 * 86_400).optional(),
}).refine(({ kind, windowSeconds }) => hasWindow(kind) === (windowSeconds !== undefined), { path: ['windowSeconds'], error: 'belongs to the limits that count runs, and to no others' }).meta({ id: 'Limit' });
export type Limit = z.infer<typeof Limit>;

/** What a window has left after a start, or has not. `resetSeconds`: until more is left. */
export const Quota = z.object({ kind: z.enum(WINDOW_LIMITS), max: z.int(), windowSeconds: z.int(), remaining: z.int().min(0), resetSeconds: z.number().min(0) });
export type Quota = z.infer<typeof Quota>;
