import { z } from 'zod';

/** `run_` and 26 Crockford base-32 digits (a ULID): sorts by creation time, safe in subjects, branch names and paths. */
export const RunId = z.string().regex(/^run_[0-9a-hjkmnp-tv-z]{26}$/).meta({ id: 'RunId' });
export type RunId = z.infer<typeof RunId>;

/** A step's key in its pipeline, or `key/3` for element 3 of a fan-out, or `key~undo` for its compensation. */
export const StepId = z.string().regex(/^[a-z][a-z0-9-]{0,62}(\/\d{1,6})?(~undo)?$/).meta({ id: 'StepId' });
export type StepId = z.infer<typeof StepId>;

/** SHA-256 of the artifact's canonical bytes. */
export const ArtifactId = z.string().regex(/^sha256:[0-9a-f]{64}$/).meta({ id: 'ArtifactId' });
export type ArtifactId = z.infer<typeof ArtifactId>;

/** `service/step`: what a pipeline step runs, e.g. `crawler/crawl`. */
export const AgentName = z.string().regex(/^[a-z][a-z-]*\/[a-z][a-z-]*$/).meta({ id: 'AgentName' });
export type AgentName = z.infer<typeof AgentName>;

/** A git object name. */
export const CommitId = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/).meta({ id: 'CommitId' });
export type CommitId = z.infer<typeof CommitId>;

/** Where a repository is: an absolute path, or an address a forge understands. Never holds credentials. */
export const RepositoryRef = z.string().min(1).max(1024).refine((s) => !/^[a-z+]+:\/\/[^/]*@/i.test(s), 'credentials do not belong in a repository address; configure the forge instead').meta({ id: 'RepositoryRef' });
export type RepositoryRef = z.infer<typeof RepositoryRef>;

/** A typed fact a result may carry on the bus: a score, a count, a flag, a short word. Never text from a repository or a model. */
export const Fact = z.union([z.number(), z.boolean(), z.string().max(120).regex(/^[\w.:/@+-]*$/)]);
export type Fact = z.infer<typeof Fact>;
