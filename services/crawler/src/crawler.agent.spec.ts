import { connect } from '#forge';
import { Feature, RepoMap } from '#contracts';
import { gitRepository, type TestRepository } from '#testing';
import { agents } from './crawler.agent.js';
import { LIMITS, openRepo } from './repo.js';

const page = (body: string): string => `<!doctype html><html><head><title>T</title></head><body>${body}</body></html>`;
async function crawl(repository: TestRepository, depth?: string): Promise<{ map: RepoMap; features: Feature[]; facts: Record<string, unknown> }> {
  const task = { runId: `run_${'0'.repeat(26)}`, stepId: 'crawl', attempt: 1, agent: 'crawler/crawl', inputs: {}, params: (depth ? { depth } : {}) as Record<string, string>, repository: repository.path, timeLimitMs: 60_000 };
  const { outputs, facts } = await (agents['crawler/crawl'] as NonNullable<(typeof agents)[string]>)({}, { task, forge: connect({ forge: 'local' }), signal: new AbortController().signal, progress: () => undefined, log: () => undefined });
  return { map: RepoMap.parse(outputs.map), features: (outputs.features as unknown[]).map((feature) => Feature.parse(feature)), facts };
}
const SITE = {
  'index.html': page('<nav><a href="/">Home</a> <a href="/two.html">Two</a></nav><h1>One</h1>'),
  'two.html': page('<h1>Two</h1><form action="/index.html"><label>Name <input name="n" required></label><button>Send</button></form>'),
};

describe('crawler/crawl', () => {
  let repository: TestRepository;
  afterEach(() => repository.remove());

  it('makes a map and features of a commit, the same bytes each time', async () => {
    repository = await gitRepository(SITE);
    const first = await crawl(repository);
    expect(first.facts).toMatchObject({ commit: await repository.head(), routes: 2, screens: first.map.screens.length, features: first.features.length });
    expect(first.map.baseBranch).toBe('main');
    expect(first.features.map((feature) => feature.name)).toEqual(['navigation', 'two-send']);
    for (const feature of first.features) for (const id of feature.behaviours) expect(feature.map.behaviours.map((behaviour) => behaviour.id)).toContain(id);
    expect(JSON.stringify(await crawl(repository))).toBe(JSON.stringify(first));
  });
  it('reads the commit, not the working tree, and every place has the blob that git has', async () => {
    repository = await gitRepository(SITE);
    await repository.git('rm', '--quiet', '--cached', 'two.html');
    const { map } = await crawl(repository);
    expect(map.routes.map((route) => route.pattern)).toEqual(['/', '/two.html']);
    const [heading] = map.screens.flatMap((screen) => screen.elements).filter((element) => element.text === 'Two' && element.tag === 'h1');
    expect(heading?.at).toEqual({ file: 'two.html', line: 1, blob: await repository.git('rev-parse', 'HEAD:two.html') });
  });
  it('tests the application in which something can be done', async () => {
    const files = Object.fromEntries(Object.entries(SITE).map(([name, text]) => [`site/${name}`, text]));
    const manifest = JSON.stringify({ dependencies: { express: '4', ejs: '3' } });
    repository = await gitRepository({ ...files, 'api/package.json': manifest, 'api/app.js': "const app = require('express')(); app.get('/', (req, res) => res.render('page')); app.listen(1);", 'api/views/page.ejs': '<h1>Nothing to do</h1>' });
    const { map } = await crawl(repository);
    expect([map.stack.frameworks.map(({ name, root }) => [name, root]), map.routes.map(({ pattern }) => pattern)]).toEqual([[['html', 'site']], ['/', '/two.html']]);
  });
  it('goes no further than smoke asks', async () => {
    repository = await gitRepository(SITE);
    expect(new Set((await crawl(repository, 'smoke')).map.behaviours.map((behaviour) => behaviour.kind))).toEqual(new Set(['navigation']));
  });
  it.each([['', 'no-web-front-end'], ['depth', 'bad-request']])('says what is wrong: %s %s', async (what, code) => {
    repository = await gitRepository(what === 'depth' ? SITE : { 'main.go': 'package main' });
    await expect(crawl(repository, what === 'depth' ? 'abyss' : undefined)).rejects.toMatchObject({ code });
  });
  it('looks at the folders that the repository’s own file names, and says where the tests are wanted', async () => {
    const [shop, blog] = ['shop', 'blog'].map((folder) => Object.fromEntries(Object.entries(SITE).map(([name, text]) => [`${folder}/${name}`, text])));
    repository = await gitRepository({ ...shop, ...blog, '.pullwright.yaml': 'folders: { source: [blog], tests: quality/web }\n', 'quality/web/README.md': 'ours\n' });
    const { map } = await crawl(repository);
    expect(map.stack.frameworks.map(({ root }) => root)).toEqual(['blog']);
    expect(map.tests).toMatchObject({ folder: 'quality/web', taken: ['quality/web/README.md'] });
  });
  it.each([['speed: fast', 'line 1, speed'], [`folders: { source: [nowhere] }`, 'nothing is below nowhere'], [`# ${'x'.repeat(2 * 1024 * 1024)}`, 'too large']])('refuses a file of the repository that is wrong: %.30s', async (text, detail) => {
    repository = await gitRepository({ ...SITE, '.pullwright.yaml': text });
    await expect(crawl(repository)).rejects.toMatchObject({ code: 'repository-file-invalid', detail: expect.stringContaining(detail) as string });
  });
  it('is not upset by hostile trees', async () => {
    repository = await gitRepository({ ...SITE, '__proto__/index.html': page('<h1>x</h1>'), 'constructor': 'x', 'quo"te\n.html': page('<h1 __proto__="x" constructor="y">z</h1>'), 'bad.css': Buffer.from([0xff, 0xfe, 0x41]), 'zero.js': Buffer.from([0x61, 0, 0x61]), 'package.json': '{"__proto__":{"scripts":{"start":"x"}},"scripts":{"__proto__":"y"}}' });
    const { map } = await crawl(repository);
    expect(map.leftOut.map((left) => left.reason)).toEqual(expect.arrayContaining(['invalid-utf8', 'binary-file']));
    expect(({} as Record<string, unknown>).scripts).toBeUndefined();
  });
});

describe('openRepo', () => {
  it('reads within its limits, sources first, and tells what it skipped', async () => {
    const repository = await gitRepository({ 'src/a.js': 'a'.repeat(80), 'z.js': 'z'.repeat(80), 'big.js': 'b'.repeat(300), 'dist/c.js': 'c', 'node_modules/x/i.js': 'x', 'p.png': 'x' });
    try {
      const repo = await openRepo(connect({ forge: 'local' }), repository.path, undefined, { ...LIMITS, fileBytes: 100, totalBytes: 100 });
      expect(repo.paths.filter((path) => repo.text(path) !== null)).toEqual(['dist/c.js', 'src/a.js']);
      expect(repo.leftOut.map((left) => `${left.reason} ${left.what}`)).toEqual(['file-too-large big.js', 'limit-reached z.js']);
      expect(repo.counts).toEqual({ files: 6, filesRead: 2, bytesRead: 81 });
    } finally {
      await repository.remove();
    }
  });
  it('notes many of a kind as a number', async () => {
    const repository = await gitRepository({ 'a.js': 'a' });
    try {
      const repo = await openRepo(connect({ forge: 'local' }), repository.path, undefined, { ...LIMITS, leftOut: 3 });
      for (let i = 0; i < 10; i++) repo.leaveOut('dynamic-text', `note ${i}`);
      expect(repo.leftOut.map((left) => left.what)).toEqual(['note 0', 'note 1', 'note 2', '7 further notes']);
    } finally {
      await repository.remove();
    }
  });
});
