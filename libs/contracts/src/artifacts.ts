import type { z } from 'zod';
import { Feature, RepoMap } from './repo-map.js';
import { TestCases } from './test-cases.js';
import { PullRequest, TestBundle } from './test-bundle.js';

/** Every kind of artifact: its schema and how its bytes are laid out (a tar carries its schema's document as `manifest.json`, first). */
export const ARTIFACTS = {
  'repo-map@1': { schema: RepoMap, layout: 'json' },
  'feature@1': { schema: Feature, layout: 'json' },
  'test-cases@1': { schema: TestCases, layout: 'json' },
  'test-bundle@1': { schema: TestBundle, layout: 'tar' },
  'pull-request@1': { schema: PullRequest, layout: 'json' },
} as const satisfies Record<string, { schema: z.ZodType; layout: 'json' | 'tar' }>;
export type ArtifactKind = keyof typeof ARTIFACTS;
