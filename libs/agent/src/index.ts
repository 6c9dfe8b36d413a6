export type { AgentContext, AgentHandler, AgentHandlers, AgentOutput } from './agent.js';
export { AgentServiceModule } from './agent-service.module.js';
export { Harness, type HarnessOptions } from './harness.js';
export { serveAgents, startAgentService } from './service.js';
