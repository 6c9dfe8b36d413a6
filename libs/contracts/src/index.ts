export { AgentName, ArtifactId, CommitId, Fact, RepositoryRef, RunId, StepId } from './ids.js';
export { FAILURES, Failure, FailureCode } from './failures.js';
export { AgentContract, agentContract, agentNames, AGENTS, AgentsFile, durableOf, moduleOf, registerAgents, services, Slot, type KnownAgent } from './agents.js';
export { ARTIFACTS, type ArtifactKind } from './artifacts.js';
export { consumers, PROBES, STREAMS, subjects, type ConsumerDefinition, type StreamDefinition } from './subjects.js';
export {
  AgentCapacity, ArtifactView, CancelRun, COMMANDS, CommandReply, DecideApproval, EVENT_TYPES, MAX_MESSAGE_BYTES, PipelineView, Progress, QUERIES,
  Result, Results, RetryRun, RUN_STATUSES, RunEvent, RunEvents, eventsOf, RunStatus, RunView, StartReplies, StartRun, StartRuns, STEP_STATUSES, StepStatus, StepView, Task, Tasks, Told, type CommandName, type QueryName, type RunCommandName,
} from './messages.js';
export { ArtifactMap, DEFAULT_PRIORITY, DEFAULT_TENANT, FailureFact, Params, Priority, Tenant } from './values.js';
export { CONCURRENCY_LIMITS, EVERYBODY, Limit, LimitKind, LimitName, Quota, WINDOW_LIMITS, type ConcurrencyLimit, type WindowLimit } from './limits.js';
export { Memo } from './memo.js';
export { Schedule, ScheduleId, ScheduleRequest } from './schedules.js';
export { RunBundle, RunDocuments, RunSettings } from './run-bundle.js';
export { ApprovalStep, Param, Pipeline, Retry, RunStep, type PipelineStep } from './pipeline.js';
export { LEFT_OUT_REASONS, LeftOut, Location } from './source.js';
export { Behaviour, BehaviourStep, Element, Feature, FieldFacts, RepoMap, Screen, Stack, StepData, TestConventions, VALIDITY_RULES } from './repo-map.js';
export { CaseStep, Expectation, LocatorCandidate, Target, TestCase, TestCases } from './test-cases.js';
export { GENERATED_MARK, LedgerEntry, PullRequest, TestBundle, TreeBasis } from './test-bundle.js';
export { artifactJsonSchema, jsonSchema } from './json-schema.js';
export { COMMENT_WORDS, FORGE_EVENTS, ForgeEvent, OWN_BRANCHES, type CommentWord, type ForgeEventName } from './forge-event.js';
export { DEFAULT_REPOSITORY_FILE, PushRule, readRepositoryFile, REPOSITORY_FILE, REPOSITORY_FILE_BYTES, REPOSITORY_FILE_TOO_LARGE, RepositoryFile, type ReadRepositoryFile, type RepositoryFileProblem } from './repository-file.js';
export { repositoryAddress, type RepositoryAddress } from './repository-address.js';
