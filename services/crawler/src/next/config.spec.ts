import type { Repo } from '../framework.js';
import { readConfig, redirected } from './config.js';

function repoOf(text: string): { repo: Repo; notes: string[] } {
  const notes: string[] = [];
  const files: Record<string, string> = { 'next.config.ts': text };
  return {
    notes,
    repo: { repository: '/r', commit: '0'.repeat(40), paths: Object.keys(files), text: (name) => files[name] ?? null, locate: (place) => ({ ...place, blob: '0'.repeat(40) }), leaveOut: (reason, what) => { notes.push(`${reason} ${what}`); } },
  };
}

it('follows redirects in order', () => {
  const config = readConfig(repoOf(`
    export default { basePath: '/docs', async redirects() { return [
      { source: '/old/:slug', destination: '/new/:slug', permanent: true },
      { source: '/maybe', destination: '/x', permanent: false, has: [{ type: 'header', key: 'x' }] },
    ]; } };
  `).repo, '');
  expect(config).toMatchObject({ basePath: '/docs', languages: false });
  if (!config) throw new Error('not read');
  expect(redirected(config, '/old/a')).toMatchObject({ href: '/new/a' });
  expect(redirected(config, '/maybe')).toBe('undecided');
  expect(redirected(config, '/other')).toBeNull();
});

it('takes a plugin to leave addresses alone that the file does not speak of', () => {
  const { repo, notes } = repoOf(`import plugin from 'some-plugin'; export default plugin({ reactStrictMode: true });`);
  expect(readConfig(repo, '')).toMatchObject({ basePath: '' });
  expect(notes).toEqual(['unsupported-syntax next.config.ts']);
  expect(readConfig(repoOf(`import plugin from 'some-plugin'; export default plugin({ basePath: '/x' });`).repo, '')).toBeNull();
});
