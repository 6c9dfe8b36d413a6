import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Bus, provision } from '#bus';
import { NETWORK_ENVIRONMENT, OPTIONS, childEnvironment, loadConfig } from '#config';
import { CLONE, homeFolder } from './clone.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { print, printJson, say, table } from './terminal.js';

/** What operators do to a deployment of their own: NATS_URL and DATABASE_URL say which. The standalone does all of it by itself. */

export async function migrateDatabase(): Promise<ExitCode> {
  // TypeORM takes a third of a second to load: no other command waits for it.
  const { migrate } = await import('../../coordinator/src/store/database.js');
  await migrate(loadConfig().DATABASE_URL);
  say('The database is up to date. Next: ./pullwright provision');
  return EXIT.ok;
}

export async function provisionBus(): Promise<ExitCode> {
  const { NATS_URL, NATS_USER, NATS_PASSWORD } = loadConfig();
  const bus = await Bus.open({ servers: NATS_URL, name: 'provision', user: NATS_USER, password: NATS_PASSWORD });
  try {
    print(table((await provision(bus)).map(({ name, change }) => [name, change])));
  } finally {
    await bus.close();
  }
  return EXIT.ok;
}

export async function collect(options: { json?: boolean }): Promise<ExitCode> {
  const config = loadConfig();
  const { collectGarbage } = await import('../../standalone/src/garbage.js');
  const bus = await Bus.open({ servers: config.NATS_URL, name: 'garbage', user: config.NATS_USER, password: config.NATS_PASSWORD });
  try {
    const swept = await collectGarbage(bus, config);
    if (options.json) printJson(swept);
    else say(`Removed ${swept.removed} artifacts (${swept.removedBytes} bytes) and ${swept.memos} memos; ${swept.kept} artifacts are in use or younger than a day.`);
  } finally {
    await bus.close();
  }
  return EXIT.ok;
}

/** The standalone in the foreground, until Ctrl-C; CLIs of the same home folder use it meanwhile. */
export async function serve(options: { port: string }): Promise<ExitCode> {
  const standalone = spawn(process.execPath, ['--enable-source-maps', join(CLONE, 'dist/services/standalone/src/main.js')], {
    cwd: CLONE, stdio: 'inherit', env: { ...childEnvironment([...Object.keys(OPTIONS), ...NETWORK_ENVIRONMENT]), PULLWRIGHT_HOME: homeFolder(), PORT: options.port },
  });
  // Ctrl-C reaches the whole group; a signal to this process alone is passed on. Either way the child ends first.
  const passOn = (signal: NodeJS.Signals) => standalone.kill(signal);
  process.on('SIGINT', () => undefined).on('SIGTERM', passOn);
  const [code] = await once(standalone, 'exit') as [number | null];
  return code === 0 ? EXIT.ok : EXIT.failure;
}
