import { posix } from 'node:path';
import { GENERATED_MARK } from '#contracts';
import { literal } from './literals.js';

const VERSIONS = { '@playwright/test': '1.64.1', '@types/node': '24.10.1', typescript: '6.0.3' } as const;

/** A Playwright project for a repository that has none: all of it inside the folder, so that nothing else of the repository changes. By path from the root. */
export function scaffold({ folder, port, webServer, testIdAttribute }: { folder: string; port: number; testIdAttribute?: string; webServer?: { command: string; cwd: string; port: number } }): Map<string, string> {
  const server = webServer === undefined ? [] : [
    '  // Starts the application, unless BASE_URL says where one runs already.',
    `  webServer: process.env.BASE_URL ? undefined : { command: ${literal(webServer.command)}, cwd: ${literal(webServer.cwd)}, url: ${literal(`http://localhost:${webServer.port}`)}, reuseExistingServer: !process.env.CI },`,
  ];
  const config = [
    `${GENERATED_MARK} Run \`npx playwright test\` in this folder; BASE_URL is where the application runs.`,
    `import { defineConfig, devices } from '@playwright/test';`, '',
    'const executablePath = process.env.PLAYWRIGHT_CHROMIUM_EXECUTABLE_PATH;', '',
    'export default defineConfig({',
    `  testDir: '.',`,
    '  fullyParallel: true,', '  forbidOnly: Boolean(process.env.CI),', '  retries: 0,', `  reporter: 'list',`,
    '  use: {', `    baseURL: process.env.BASE_URL ?? ${literal(`http://localhost:${port}`)},`, `    trace: 'retain-on-failure',`, ...(testIdAttribute === undefined ? [] : [`    testIdAttribute: ${literal(testIdAttribute)},`]), '    ...(executablePath ? { launchOptions: { executablePath } } : {}),', '  },',
    `  projects: [{ name: 'chromium', use: { ...devices['Desktop Chrome'] } }],`,
    ...server, '});', '',
  ].join('\n');
  const manifest = { name: posix.basename(folder), private: true, type: 'module', scripts: { test: 'playwright test', typecheck: 'tsc --noEmit' }, devDependencies: VERSIONS };
  const compilerOptions = { target: 'es2022', module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom'], types: ['node'], strict: true, noEmit: true, skipLibCheck: true };
  return new Map([
    ['playwright.config.ts', config],
    ['package.json', `${JSON.stringify(manifest, null, 2)}\n`],
    ['tsconfig.json', `${JSON.stringify({ compilerOptions, include: ['.'] }, null, 2)}\n`],
    ['.gitignore', 'node_modules/\ntest-results/\nplaywright-report/\n'],
  ].map(([name, content]) => [posix.join(folder, name as string), content as string]));
}
