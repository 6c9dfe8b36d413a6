import { execFile, type ExecFileException } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLONE } from './clone.js';

/** The real launcher in a small clone of its own. npm and the compiler are scripts that write down that they were called and leave what the real ones would. */
let root: string;
let tools: string;

const NPM = `#!/bin/sh
echo "$@" >> "$PULLWRIGHT_TEST/npm.log"
[ ! -e "$PULLWRIGHT_TEST/npm-fails" ] || { echo 'npm error: no network' >&2; exit 1; }
sleep 0.2
mkdir -p node_modules/.bin node_modules/typescript/bin
ln -sf "$PULLWRIGHT_TEST_NODE" node_modules/.bin/node
cat > node_modules/typescript/bin/tsc <<'END'
require('fs').appendFileSync(process.env.PULLWRIGHT_TEST + '/tsc.log', 'built\\n');
if (require('fs').readFileSync('services/cli/src/main.ts', 'utf8').includes('BROKEN')) { console.error('main.ts(1,1): error'); process.exit(2); }
require('fs').mkdirSync('dist/services/cli/src', { recursive: true });
require('fs').writeFileSync('dist/services/cli/src/main.js', 'console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), cold: process.env.PULLWRIGHT_COLD_SINCE !== undefined }));');
END
touch node_modules/.package-lock.json
`;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pullwright launcher-'));
  tools = join(root, 'tools');
  for (const folder of ['services/cli/src', 'libs', 'tools', 'elsewhere']) await mkdir(join(root, folder), { recursive: true });
  await copyFile(join(CLONE, 'pullwright'), join(root, 'pullwright'));
  for (const file of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'services/cli/src/main.ts']) await writeFile(join(root, file), '{}');
  await writeFile(join(tools, 'npm'), NPM);
  await chmod(join(tools, 'npm'), 0o755);
});
afterEach(async () => { await rm(root, { recursive: true, force: true }); });

interface Ended { code: number; out: { args: string[]; cwd: string; cold: boolean } | undefined; said: string }

async function launch(args: string[] = ['version'], { launcher = join(root, 'pullwright'), path = `${tools}:/usr/bin:/bin` } = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(launcher, args, { cwd: join(root, 'elsewhere'), env: { PATH: path, HOME: root, PULLWRIGHT_TEST: root, PULLWRIGHT_TEST_NODE: process.execPath } }, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), out: stdout ? JSON.parse(stdout) as Ended['out'] : undefined, said: stderr });
    });
  });
}
const calls = async (log: 'npm.log' | 'tsc.log') => (await readFile(join(root, log), 'utf8').catch(() => '')).split('\n').filter(Boolean).length;

/** Newer than anything that was written so far, however coarse the clock of the file system is. */
async function touch(file: string): Promise<void> {
  const later = new Date(Date.now() + 5_000);
  await utimes(join(root, file), later, later);
}

describe('the launcher', () => {
  it('installs and builds, once, and hands over its arguments from any folder', async () => {
    const first = await launch(['run', 'a b', '$HOME', '--json']);
    expect(first).toMatchObject({ code: 0, out: { args: ['run', 'a b', '$HOME', '--json'], cwd: expect.stringMatching(/elsewhere$/), cold: true } });
    expect(first.said).toContain('installing packages');
    const second = await launch();
    expect(second).toMatchObject({ code: 0, out: { cold: false }, said: '' });
    expect([await calls('npm.log'), await calls('tsc.log')]).toEqual([1, 1]);
  });

  it('works by a link from elsewhere', async () => {
    await symlink('../pullwright', join(root, 'elsewhere/pw'));
    expect(await launch(['version'], { launcher: join(root, 'elsewhere/pw') })).toMatchObject({ code: 0, out: { args: ['version'] } });
  });

  it('installs again when the lock file is newer, builds again when a source is', async () => {
    await launch();
    await touch('services/cli/src/main.ts');
    await launch();
    expect([await calls('npm.log'), await calls('tsc.log')]).toEqual([1, 2]);
    await touch('package-lock.json');
    await launch();
    expect(await calls('npm.log')).toBe(2);
  });

  it('fails loudly when the build does, and tries again', async () => {
    await writeFile(join(root, 'services/cli/src/main.ts'), 'BROKEN');
    for (let attempt = 1; attempt <= 2; attempt++) {
      const { code, out, said } = await launch();
      expect([code, out]).toEqual([1, undefined]);
      expect(said).toContain('the build failed');
      expect(await calls('tsc.log')).toBe(attempt);
    }
    await writeFile(join(root, 'services/cli/src/main.ts'), '');
    expect((await launch()).code).toBe(0);
  });

  it('says what npm said, and tries again', async () => {
    await writeFile(join(root, 'npm-fails'), '');
    const { code, said } = await launch();
    expect(code).toBe(1);
    expect(said).toContain('no network');
    await rm(join(root, 'npm-fails'));
    expect((await launch()).code).toBe(0);
  });

  it('lets one of many install and build', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => launch()));
    expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect([await calls('npm.log'), await calls('tsc.log')]).toEqual([1, 1]);
  });

  it('takes over from a launcher that was killed', async () => {
    await mkdir(join(root, '.pullwright/launcher.lock'), { recursive: true });
    // No process has it: above the largest that Linux gives out.
    await writeFile(join(root, '.pullwright/launcher.lock/pid'), '4194305');
    expect((await launch()).code).toBe(0);
  });

  it.each(['npm', 'git'])('says that %s is missing', async (missing) => {
    // Everything that the launcher uses, but not this.
    for (const tool of ['sh', 'dirname', 'readlink', 'find', 'head', 'mkdir', 'cat', 'rm', 'date', 'touch', 'mv', 'sleep', 'ln', 'uname', 'git']) if (tool !== missing) await symlink(`/usr/bin/${tool}`, join(tools, tool)).catch(() => undefined);
    if (missing === 'npm') await rm(join(tools, 'npm'));
    const { code, said } = await launch(['version'], { path: tools });
    expect(code).toBe(1);
    expect(said).toContain(`${missing} is needed`);
  });
});
