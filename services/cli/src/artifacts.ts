import { writeFile } from 'node:fs/promises';
import { withApi } from './connection.js';
import { EXIT, Exit, type ExitCode } from './exit-code.js';
import { print, printJson, table } from './terminal.js';

export async function listArtifacts(runId: string, options: { json?: boolean }): Promise<ExitCode> {
  return withApi(async (api) => {
    const artifacts = await api.artifacts(runId);
    if (options.json) printJson(artifacts);
    else print(table([['STEP', 'NAME', 'KIND', 'ARTIFACT'], ...artifacts.map(({ stepId, name, kind, artifactId }) => [stepId, name, kind, artifactId])]));
    return EXIT.ok;
  });
}

/** The bytes, to a file or to stdout, but never a tar to a terminal. */
export async function getArtifact(artifactId: string, options: { out?: string }): Promise<ExitCode> {
  return withApi(async (api) => {
    const bytes = await api.artifact(artifactId);
    if (options.out !== undefined) await writeFile(options.out, bytes);
    else if (process.stdout.isTTY && bytes[0] !== '{'.charCodeAt(0)) throw new Exit(EXIT.usage, 'this artifact is a tar; send it to a file with --out, or to tar: ./pullwright artifact get <id> | tar -t');
    else await new Promise<void>((resolve, reject) => { process.stdout.write(bytes, (error) => (error ? reject(error) : resolve())); });
    return EXIT.ok;
  });
}
