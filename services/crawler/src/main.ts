import { startAgentService } from '#agent';

await startAgentService('crawler', new URL('./crawler.agent.js', import.meta.url).href);
