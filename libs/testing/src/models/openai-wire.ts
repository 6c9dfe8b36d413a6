import type OpenAI from 'openai';

/** What travels between a client and a chat completions API, by the vendor's types; `tools/model-schemas.ts` makes a JSON Schema of it. Nothing imports this file. */
export interface Wire {
  createCompletion: Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, 'stream'> & { stream?: boolean };
  completion: OpenAI.ChatCompletion;
  chunk: OpenAI.ChatCompletionChunk;
  error: { error: OpenAI.ErrorObject };
}
