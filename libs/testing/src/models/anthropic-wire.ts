import type Anthropic from '@anthropic-ai/sdk';

type Body<T> = Omit<T, 'stream' | 'user_profile_id' | 'workspace_id'>;
type CreateMessage = Body<Anthropic.MessageCreateParamsNonStreaming> & { stream?: boolean };

/** What travels between a client and the Messages API, by the vendor's types; `tools/model-schemas.ts` makes a JSON Schema of it. Nothing imports this file. */
export interface Wire {
  createMessage: CreateMessage;
  message: Anthropic.Message;
  streamEvent: Anthropic.RawMessageStreamEvent;
  countTokens: Body<Anthropic.MessageCountTokensParams>;
  tokensCount: Anthropic.MessageTokensCount;
  createBatch: { requests: Array<{ custom_id: string; params: CreateMessage }> };
  batch: Anthropic.Messages.MessageBatch;
  batchLine: Anthropic.Messages.MessageBatchIndividualResponse;
  error: Anthropic.ErrorResponse;
}
