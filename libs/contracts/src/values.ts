import { z } from 'zod';
import { FailureCode } from './failures.js';
import { ArtifactId } from './ids.js';

/** The values that messages share. */

export const Params = z.record(z.string().regex(/^[a-z][A-Za-z0-9]*$/), z.union([z.string().max(256), z.number(), z.boolean()]));
export type Params = z.infer<typeof Params>;

/** Outputs and inputs by name: one artifact, or a list in a stable order. */
export const ArtifactMap = z.record(z.string(), z.union([ArtifactId, z.array(ArtifactId)]));
export type ArtifactMap = z.infer<typeof ArtifactMap>;

export const Who = z.string().min(1).max(120);
export const When = z.iso.datetime({ offset: true });

/** `failure.detail` is one short line for people: a field, a path, a limit. */
export const FailureFact = z.object({ code: FailureCode, detail: z.string().max(500).optional() });
export type FailureFact = z.infer<typeof FailureFact>;

/** Whose run it is: tenants have their turns at the agents one after the other, however much each of them wants. */
export const Tenant = z.string().regex(/^[A-Za-z0-9][\w.-]{0,63}$/).meta({ id: 'Tenant' });
export type Tenant = z.infer<typeof Tenant>;
export const DEFAULT_TENANT = 'default';
/** What waits for an agent goes by priority first, 5 before 1. */
export const Priority = z.int().min(1).max(5).meta({ id: 'Priority' });
export type Priority = z.infer<typeof Priority>;
export const DEFAULT_PRIORITY = 3;
