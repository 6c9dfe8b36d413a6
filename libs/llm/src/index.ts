export { EFFORTS, ModelFailure, NO_USAGE, type Answer, type AnswerSchema, type Effort, type GenerateOptions, type LanguageModel, type ModelStep, type Price, type Usage } from './model.js';
export { answerSchema } from './answer-schema.js';
export { openModel } from './open.js';
export { type BudgetedModel } from './budget.js';
export { type Observer } from './trace.js';
export { GEN_AI, METRICS } from './conventions.js';
export { redact } from './secrets.js';
