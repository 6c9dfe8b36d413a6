import { EVERYBODY, LimitKind, type Limit } from '#contracts';
import { withApi } from './connection.js';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import { print, printJson, safe, say, table } from './terminal.js';

/** The limits of a Pullwright: which there are, setting and removing them. */

interface Key { key?: string }

export async function listLimits(options: { json?: boolean }): Promise<ExitCode> {
  return withApi(async (api) => {
    const limits = await api.limits();
    if (options.json) printJson(limits);
    else if (limits.length === 0) say('No limits are set. Next: ./pullwright limits set runs-per-repository 20 --window 3600');
    else print(table([['LIMIT', 'OF', 'MAX', 'WINDOW'], ...limits.map(row)]));
    return EXIT.ok;
  });
}

/** `window`: in seconds. */
export async function setLimit(kind: string, max: number, { key = EVERYBODY, window, json }: Key & { window?: number; json?: boolean }): Promise<ExitCode> {
  const known = kindOf(kind);
  return withApi(async (api) => {
    const limit = await api.setLimit({ kind: known, key, max, ...window !== undefined && { windowSeconds: window } });
    if (json) printJson(limit);
    else say(`${row(limit).join(' ')}: it holds within two seconds.`);
    return EXIT.ok;
  });
}

export async function removeLimit(kind: string, { key = EVERYBODY }: Key): Promise<ExitCode> {
  const known = kindOf(kind);
  return withApi(async (api) => {
    await api.removeLimit(known, key);
    return EXIT.ok;
  });
}

const row = ({ kind, key, max, windowSeconds }: Limit): string[] => [kind, safe(key), String(max), windowSeconds === undefined ? '' : `${windowSeconds} s`];

function kindOf(text: string): LimitKind {
  const kind = LimitKind.safeParse(text);
  if (kind.success) return kind.data;
  throw new Exit(EXIT.usage, `there is no limit ${safe(text)}; there are ${LimitKind.options.join(', ')}`);
}
