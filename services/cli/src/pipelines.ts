import { withApi } from './connection.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { print, printJson, table } from './terminal.js';

export async function listPipelines(options: { json?: boolean }): Promise<ExitCode> {
  return withApi(async (api) => {
    const pipelines = await api.pipelines();
    if (options.json) printJson(pipelines);
    else print(table([['PIPELINE', 'VERSION', 'STEPS'], ...pipelines.map(({ name, version, steps }) => [name, String(version), steps.join(', ')])]));
    return EXIT.ok;
  });
}
