import { startAgentService } from '#agent';

await startAgentService('engineer', import.meta.resolve('./engineer.agent.js'));
