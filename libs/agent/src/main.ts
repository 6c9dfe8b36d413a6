import { loadConfig } from '#config';
import { Failure, moduleOf } from '#contracts';
import { startAgentService } from './service.js';

/** The program of a service that has no own one: `node dist/libs/agent/src/main.js <service>` serves the agents that AGENTS_FILE lists under that name. */
const service = process.argv[2] ?? '';
loadConfig();
const agentsModuleUrl = moduleOf(service);
if (agentsModuleUrl === undefined) throw new Failure('agent-unknown', `AGENTS_FILE names no module of a service ${JSON.stringify(service)}`);
await startAgentService(service, agentsModuleUrl);
