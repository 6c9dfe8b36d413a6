import { startAgentService } from '#agent';

await startAgentService('case-generator', import.meta.resolve('./case-generator.agent.js'));
