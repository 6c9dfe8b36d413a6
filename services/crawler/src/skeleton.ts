import type { RepoMap } from '#contracts';
import type { Application, Repo } from './framework.js';
import { manifestOf, nearestManifest, type Manifest } from './manifest.js';

type Stack = RepoMap['stack'];
const LOCK_FILES: ReadonlyArray<readonly [string, Stack['packageManager']]> = [['pnpm-lock.yaml', 'pnpm'], ['yarn.lock', 'yarn'], ['bun.lockb', 'bun'], ['bun.lock', 'bun'], ['package-lock.json', 'npm'], ['npm-shrinkwrap.json', 'npm']];
const START_SCRIPTS = ['start', 'dev', 'serve', 'develop', 'preview'];
const MAX_SCRIPTS = 60;

/** The first pass: what the repository is built with, and how it is started. */
export function stackOf(repo: Repo, applications: readonly Application[]): Stack {
  const root = applications[0]?.root ?? '';
  const manifest = manifestOf(repo, root) ?? nearestManifest(repo, root);
  const start = manifest && startOf(manifest, packageManagerOf(repo, manifest), applications[0]?.framework);
  return {
    packageManager: manifest ? packageManagerOf(repo, manifest) : 'none',
    frameworks: applications.map((application) => ({ name: application.framework, ...(application.version && { version: application.version }), root: application.root, at: repo.locate(application.at) })),
    entryPoints: [...new Set(applications.flatMap((application) => application.entryPoints))].slice(0, 100),
    scripts: Object.fromEntries(Object.entries(manifest?.scripts ?? {}).slice(0, MAX_SCRIPTS)),
    ...(start && { start }),
  };
}

function packageManagerOf(repo: Repo, manifest: Manifest): Stack['packageManager'] {
  const named = /^(npm|yarn|pnpm|bun)@/.exec(manifest.packageManager ?? '')?.[1];
  if (named) return named as Stack['packageManager'];
  for (const folder of manifest.folder ? [`${manifest.folder}/`, ''] : ['']) {
    const lock = LOCK_FILES.find(([file]) => repo.paths.includes(`${folder}${file}`));
    if (lock) return lock[1];
  }
  return 'npm';
}

const DEFAULT_PORTS: Record<string, number> = { next: 3000, 'react-scripts': 3000, vite: 5173, 'http-server': 8080, 'live-server': 8080, serve: 3000, parcel: 1234, gatsby: 8000, astro: 4321 };

function startOf(manifest: Manifest, packageManager: Stack['packageManager'], framework: string | undefined): Stack['start'] {
  // Next's `start` needs a build first; its `dev` stands by itself.
  const order = framework === 'next' || (manifest.scripts.start ?? '').startsWith('next start') ? ['dev', 'start'] : START_SCRIPTS;
  const script = order.find((name) => manifest.scripts[name]);
  if (!script) return undefined;
  const line = manifest.scripts[script] as string;
  const port = Number(/(?:--port[= ]|-p[= ]?|-l[= ]|\bPORT=)(\d{2,5})\b/.exec(line)?.[1] ?? DEFAULT_PORTS[Object.keys(DEFAULT_PORTS).find((tool) => new RegExp(`(^|[\\s/])${tool}(\\s|$)`).test(line)) ?? ''] ?? Number.NaN);
  const runner = packageManager === 'npm' || packageManager === 'none' ? (script === 'start' ? 'npm start' : `npm run ${script}`) : `${packageManager} ${script}`;
  return { command: runner, root: manifest.folder, ...(Number.isInteger(port) && port > 0 && port < 65_536 && { port }) };
}
