import { repoOf } from '../interpret/repo-fixture.js';
import { readConfig, redirected } from './config.js';

const configured = (text: string) => repoOf({ 'next.config.ts': text });

it('follows redirects in order', () => {
  const config = readConfig(configured(`
    export default { basePath: '/docs', async redirects() { return [
      { source: '/old/:slug', destination: '/new/:slug', permanent: true },
      { source: '/maybe', destination: '/x', permanent: false, has: [{ type: 'header', key: 'x' }] },
    ]; } };
  `), '');
  expect(config).toMatchObject({ basePath: '/docs', languages: false });
  if (!config) throw new Error('not read');
  expect(redirected(config, '/old/a')).toMatchObject({ href: '/new/a' });
  expect(redirected(config, '/maybe')).toBe('undecided');
  expect(redirected(config, '/other')).toBeNull();
});

it('takes a plugin to leave addresses alone that the file does not speak of', () => {
  const repo = configured(`import plugin from 'some-plugin'; export default plugin({ reactStrictMode: true });`);
  expect(readConfig(repo, '')).toMatchObject({ basePath: '' });
  expect(repo.left).toMatchObject([{ reason: 'unsupported-syntax', what: 'next.config.ts' }]);
  expect(readConfig(configured(`import plugin from 'some-plugin'; export default plugin({ basePath: '/x' });`), '')).toBeNull();
});
