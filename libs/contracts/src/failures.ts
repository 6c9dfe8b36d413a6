import { z } from 'zod';

interface FailureDefinition {
  /** Whether the same task may succeed when it is tried again. */
  retryable: boolean;
  /** Whose fault it is: decides the HTTP status and whom to tell. */
  fault: 'caller' | 'repository' | 'provider' | 'us';
  /** The sentence a user reads, ending with what to do next. */
  sentence: string;
}

/** The closed list of ways a step or a request can fail. Failures are compared by code, never by text. */
export const FAILURES = {
  'bad-request': { retryable: false, fault: 'caller', sentence: 'The request is not valid; the named field says what to change.' },
  'unknown-pipeline': { retryable: false, fault: 'caller', sentence: 'No pipeline has that name; GET /api/v1/pipelines lists them.' },
  'unknown-run': { retryable: false, fault: 'caller', sentence: 'No run has that id; `pullwright runs` lists them.' },
  'unknown-schedule': { retryable: false, fault: 'caller', sentence: 'No schedule has that id; `pullwright schedules list` lists them.' },
  'signature-invalid': { retryable: false, fault: 'caller', sentence: 'The delivery is not signed with the secret that is configured here; set the same one at the forge.' },
  'unsupported-media-type': { retryable: false, fault: 'caller', sentence: 'The body’s media type is not understood here; send application/json.' },
  'webhooks-not-set-up': { retryable: false, fault: 'caller', sentence: 'No webhook secret of this forge is configured, so that no delivery can be trusted; `pullwright github setup` makes one.' },
  'setup-off': { retryable: false, fault: 'caller', sentence: 'The set-up page is off here; GITHUB_SETUP_DIR turns it on, and `pullwright github setup` does the same from a terminal.' },
  'wrong-state': { retryable: false, fault: 'caller', sentence: 'The run is not in a state that allows this; look at its status first.' },
  'idempotency-mismatch': { retryable: false, fault: 'caller', sentence: 'This Idempotency-Key was used with another request; use a new key.' },
  'repository-not-found': { retryable: false, fault: 'caller', sentence: 'There is no git repository at that place; check the path or address.' },
  'repository-empty': { retryable: false, fault: 'repository', sentence: 'The repository has no commit yet; commit something first.' },
  'ref-not-found': { retryable: false, fault: 'caller', sentence: 'The repository has no such branch, tag or commit; check --ref.' },
  'repository-file-invalid': { retryable: false, fault: 'repository', sentence: 'The repository’s .pullwright.yaml is not valid; `pullwright validate` names each field and what to change.' },
  'no-web-front-end': { retryable: false, fault: 'repository', sentence: 'No web front end that Pullwright understands was found; the run’s notes say what was looked at.' },
  'nothing-to-test': { retryable: false, fault: 'repository', sentence: 'No test case could be decided from the source; the run’s notes list what was left out and why.' },
  'repository-too-large': { retryable: false, fault: 'repository', sentence: 'The repository is over the configured limits; raise them or name a folder.' },
  'repository-unreadable': { retryable: false, fault: 'repository', sentence: 'git could not read the repository; run `git fsck` in it (a partial clone has to be completed first).' },
  'branch-taken': { retryable: false, fault: 'repository', sentence: 'Somebody else has committed to Pullwright’s branch; it was left alone. Merge or delete the branch, then run again.' },
  'branch-checked-out': { retryable: false, fault: 'repository', sentence: 'Pullwright’s branch is checked out, so it was left alone; switch to another branch, then run again.' },
  'stale-base': { retryable: false, fault: 'repository', sentence: 'The base moved and files the tests depend on changed; run again on the new base.' },
  'forbidden-path': { retryable: false, fault: 'us', sentence: 'A file outside the test folders was about to be written; nothing was published.' },
  'repository-moved': { retryable: false, fault: 'caller', sentence: 'The repository has another address now; use that one.' },
  'repository-archived': { retryable: false, fault: 'repository', sentence: 'The repository is archived, so nothing can be published there; unarchive it, then run again.' },
  'forge-unauthorized': { retryable: false, fault: 'caller', sentence: 'The forge does not accept Pullwright’s credential for this repository; install the app there or configure a valid token.' },
  'forge-forbidden': { retryable: false, fault: 'caller', sentence: 'The forge refused it: a permission is missing, or a rule of the repository forbids it; the detail says what was tried.' },
  'forge-limited': { retryable: true, fault: 'provider', sentence: 'The forge’s rate limit is used up; the step is tried again.' },
  'forge-unavailable': { retryable: true, fault: 'provider', sentence: 'The forge did not answer; the step is tried again.' },
  'model-rate-limited': { retryable: true, fault: 'provider', sentence: 'The model provider is over a limit of yours; the step is tried again.' },
  'model-unavailable': { retryable: true, fault: 'provider', sentence: 'The model provider did not answer to the end; the step is tried again.' },
  'model-misconfigured': { retryable: false, fault: 'caller', sentence: 'The model provider does not take the key, the model or a setting; check MODEL and the key.' },
  'recording-missing': { retryable: false, fault: 'caller', sentence: 'No recorded answer fits the request to the model; record it with a real model first (docs/models.md).' },
  'over-budget': { retryable: false, fault: 'caller', sentence: 'The budget for the model does not allow this request; raise it, or do with what there is.' },
  'bus-unavailable': { retryable: true, fault: 'us', sentence: 'The message bus, or the service behind it, did not answer; try again in a moment.' },
  'database-unavailable': { retryable: true, fault: 'us', sentence: 'The database did not answer or is not ready; the detail says what is wrong.' },
  'message-too-large': { retryable: false, fault: 'us', sentence: 'A message would have passed the size bound of the bus; what is large belongs in an artifact.' },
  'store-unavailable': { retryable: true, fault: 'us', sentence: 'The artifact store did not answer; the step is tried again.' },
  'artifact-missing': { retryable: false, fault: 'us', sentence: 'An artifact the step needs is not in the store; retry the run from the step that made it.' },
  'artifact-corrupt': { retryable: false, fault: 'us', sentence: 'An artifact’s bytes do not match its id; retry the run from the step that made it.' },
  'artifact-invalid': { retryable: false, fault: 'us', sentence: 'An artifact does not match the schema of its kind; this is a defect of the agent that made it.' },
  'output-invalid': { retryable: true, fault: 'us', sentence: 'The agent returned something that does not match its contract; the step is tried again.' },
  'agent-crashed': { retryable: true, fault: 'us', sentence: 'The agent’s process ended before it answered; the step is tried again.' },
  'agent-timeout': { retryable: true, fault: 'us', sentence: 'The agent was stopped at its time limit; the step is tried again.' },
  'agent-unknown': { retryable: false, fault: 'us', sentence: 'No service serves this step; the pipeline names an agent that is not deployed.' },
  'no-answer': { retryable: true, fault: 'us', sentence: 'No service answered in time; the step is dispatched again.' },
  'expression-failed': { retryable: false, fault: 'caller', sentence: 'A condition in the pipeline could not be evaluated; correct the pipeline.' },
  'approval-rejected': { retryable: false, fault: 'caller', sentence: 'A person rejected the run at an approval gate.' },
  'approval-expired': { retryable: false, fault: 'caller', sentence: 'Nobody decided at the approval gate in time; start the run again.' },
  cancelled: { retryable: false, fault: 'caller', sentence: 'The run was cancelled.' },
  'rate-limited': { retryable: false, fault: 'caller', sentence: 'Too many runs in this window; Retry-After says when to try again.' },
  internal: { retryable: true, fault: 'us', sentence: 'Something went wrong inside Pullwright; the log has the details.' },
} as const satisfies Record<string, FailureDefinition>;

export type FailureCode = keyof typeof FAILURES;
export const FailureCode = z.enum(Object.keys(FAILURES) as [FailureCode, ...FailureCode[]]).meta({ id: 'FailureCode' });

/** An error with a code from the list. `detail` is for people (a field, a path); it is never compared and never holds a secret. */
export class Failure extends Error {
  override readonly name = 'Failure';
  constructor(readonly code: FailureCode, readonly detail?: string, options?: ErrorOptions) {
    super(detail ? `${FAILURES[code].sentence} (${detail})` : FAILURES[code].sentence, options);
  }
  get retryable(): boolean { return FAILURES[this.code].retryable; }
}
