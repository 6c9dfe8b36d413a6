import { startAgentService } from '#agent';

await startAgentService('pr-publisher', import.meta.resolve('./pr-publisher.agent.js'));
