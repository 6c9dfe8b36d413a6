/** Every name of a span, attribute or metric about models: the OpenTelemetry GenAI conventions as of v1.41, and ours where they have none. Nothing else spells them. */
export const GEN_AI = {
  operation: 'gen_ai.operation.name', provider: 'gen_ai.provider.name', agent: 'gen_ai.agent.name',
  requestModel: 'gen_ai.request.model', maxTokens: 'gen_ai.request.max_tokens', responseModel: 'gen_ai.response.model', responseId: 'gen_ai.response.id', finishReasons: 'gen_ai.response.finish_reasons',
  inputTokens: 'gen_ai.usage.input_tokens', outputTokens: 'gen_ai.usage.output_tokens', cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens', cacheWriteTokens: 'gen_ai.usage.cache_creation.input_tokens',
  reasoningTokens: 'gen_ai.usage.reasoning.output_tokens', tokenType: 'gen_ai.token.type', errorType: 'error.type',
} as const;
export const CHAT = 'chat';

export const METRICS = {
  tokenUsage: 'gen_ai.client.token.usage', duration: 'gen_ai.client.operation.duration', timeToFirstChunk: 'gen_ai.client.operation.time_to_first_chunk',
  /** The conventions have no metric of money. */
  cost: 'pullwright.model.cost',
} as const;
