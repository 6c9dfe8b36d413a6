import { COMMENT_WORDS, Failure, FAILURES, FailureCode, REPOSITORY_FILE, type RepositoryFileProblem, type RunStatus, type StepStatus } from '#contracts';
import type { Check, HostedForge } from '#forge';
import { code, plain } from '../markdown.js';
import { repositoryFileAt } from './plan.js';

/** How a run stands, as the parameters of a report have it: ids, counts and short words. `steps`: `crawl=succeeded design=fanned-out …`, in order, perhaps cut. */
export interface Standing {
  about: 'run' | 'answer' | 'file';
  commit: string; pullRequest: number; by: string; word: string; outcome: string;
  run: string; status: RunStatus | ''; steps: string; waitingFor: string; failure: string; detail: string;
  tests: number; routes: number; covered: number; leftOut: number;
  published: string; head: string;
}

const CHECK = 'Pullwright';
const FILE_CHECK = `Pullwright: ${REPOSITORY_FILE}`;
/** The one comment on a pull request. */
const MARK = 'status';
const ANNOTATIONS = 50;

/** Tells it; how many checks and comments were set. Done again it sets the same ones. */
export async function report(standing: Standing, forge: HostedForge, repository: string): Promise<{ checks: number; comments: number }> {
  const { about, commit, head, pullRequest } = standing;
  const checks = about === 'file' ? await fileChecks(forge, repository, commit) : about === 'run' ? runChecks(standing, [...new Set([commit, head])].filter((at) => at !== '')) : [];
  for (const check of checks) await forge.setCheck({ repository, ...check });
  if (pullRequest === 0) return { checks: checks.length, comments: 0 };
  await forge.comment({ repository, pullRequest, mark: MARK, body: commentOf(standing) });
  return { checks: checks.length, comments: 1 };
}

type CheckAt = Omit<Check, 'repository'>;

async function fileChecks(forge: HostedForge, repository: string, commit: string): Promise<CheckAt[]> {
  const read = await repositoryFileAt(forge, repository, commit);
  if (!read || read.file) return [];
  const { problems } = read;
  return [{
    commit, name: FILE_CHECK, conclusion: 'failure', title: `${problems.length === 1 ? 'One setting is' : `${problems.length} settings are`} not valid; no run was started`,
    summary: `${problems.slice(0, ANNOTATIONS).map((problem) => `- ${told(problem)}`).join('\n')}\n\n${code('pullwright validate')} checks the file before it is pushed.`,
    annotations: problems.slice(0, ANNOTATIONS).map(({ field, message, remedy, line }) => ({ path: REPOSITORY_FILE, startLine: line, endLine: line, level: 'failure', title: (field || 'the whole file').slice(0, 255), message: `${message} ${remedy}`.slice(0, 2_000) })),
  }];
}

const told = ({ field, message, remedy, line }: RepositoryFileProblem): string => `line ${line}, ${field ? code(field) : 'the whole file'}: ${plain(message)}. ${plain(remedy)}`;

function runChecks(standing: Standing, commits: readonly string[]): CheckAt[] {
  return commits.map((commit) => ({ commit, name: CHECK, ...conclusionOf(standing), title: titleOf(standing), summary: [sentenceOf(standing), evidenceOf(standing)].filter((part) => part !== '').join('\n\n'), text: progressOf(standing) }));
}

function conclusionOf({ status, failure, published }: Standing): Pick<Check, 'conclusion'> {
  switch (status) {
    case 'succeeded': return { conclusion: published === 'declined' || published === 'closed' ? 'neutral' : 'success' };
    // What the repository itself is the reason of is no defect of the commit.
    case 'failed': return { conclusion: isRepositorys(failure) || failure === 'approval-rejected' || failure === 'approval-expired' ? 'neutral' : 'failure' };
    case 'cancelled': return { conclusion: 'cancelled' };
    case 'waiting': return { conclusion: 'action_required' };
    default: return {};
  }
}

const isRepositorys = (failure: string): boolean => { const known = FailureCode.safeParse(failure); return known.success && FAILURES[known.data].fault === 'repository'; };

const PUBLISHED: Record<string, string | undefined> = {
  opened: 'A pull request was opened.', updated: 'The pull request was brought up to date.', unchanged: 'The pull request is up to date.', declined: 'A person has closed the pull request before, so none was opened.', closed: 'Nothing is left to propose, so the pull request was closed.',
};

function titleOf({ status, published, tests, waitingFor }: Standing): string {
  switch (status) {
    case 'succeeded': return published === '' ? 'Done' : `${tests} ${tests === 1 ? 'test' : 'tests'}: ${published}`;
    case 'failed': return 'No tests were published';
    case 'cancelled': return 'Stopped';
    case 'waiting': return waitingFor === '' ? 'Waits for a person' : `Waits for ${waitingFor}`;
    case 'compensating':
    case 'cancelling': return 'Is being stopped';
    default: return 'Writes tests';
  }
}

function sentenceOf({ status, failure, detail, published, waitingFor }: Standing): string {
  if (status === 'waiting') return `A person has to decide${waitingFor === '' ? '' : ` (${plain(waitingFor)})`}: comment ${code('/pullwright approve')} on the pull request, or use ${code('pullwright approve')}.`;
  if (status === 'failed') { const known = FailureCode.safeParse(failure); return `${known.success ? FAILURES[known.data].sentence : code(failure)}${detail === '' ? '' : ` (${plain(detail)})`}`; }
  if (status === 'succeeded') return `${PUBLISHED[published] ?? ''}${published === 'declined' ? ` Comment ${code('/pullwright retry')} on it to ask again.` : ''}`;
  return '';
}

function evidenceOf({ status, tests, routes, covered, leftOut }: Standing): string {
  if (status !== 'succeeded') return '';
  return ['| | |', '|---|---|', `| tests | ${tests} |`, `| routes covered | ${covered} of ${routes} |`, `| left out, with reasons in the pull request | ${leftOut} |`].join('\n');
}

const STEP_WORDS: Partial<Record<StepStatus, string>> = { pending: 'to come', blocked: 'waits for its turn', dispatched: 'at work', 'backing-off': 'is tried again', waiting: 'waits for a person', 'fanned-out': 'at work' };

function progressOf({ run, steps }: Standing): string {
  const rows = steps.split(' ').flatMap((step) => { const [name, status] = step.split('='); return name && status ? [`| ${code(name)} | ${STEP_WORDS[status as StepStatus] ?? plain(status)} |`] : []; });
  return ['| step | |', '|---|---|', ...rows, '', `${code(`pullwright show ${run}`)} tells more.`].join('\n');
}

const ANSWERS: Record<string, string | undefined> = {
  started: 'A run was started.', stopped: 'The run was stopped.', approved: 'Approved; the run goes on.', 'nothing-runs': 'Nothing runs for this branch.', 'nothing-waits': 'No run for this branch waits for a person.', 'runs-per-day': 'As many runs were started today as the repository’s file allows.',
  'not-an-approver': `The repository’s file (${code(REPOSITORY_FILE)}, ${code('approvals.by')}) names others to approve.`, 'unknown-word': `That is none of the commands: ${COMMENT_WORDS.map((word) => code(`/pullwright ${word}`)).join(', ')}.`,
  'repository-file-invalid': `The repository’s file (${code(REPOSITORY_FILE)}) is not valid; the check at the commit names each setting.`, explain: '', 'closed-by-a-person': 'The pull request was closed: nothing is proposed again until somebody asks with a retry.',
};

function commentOf(standing: Standing): string {
  const { about, by, word, outcome, run } = standing;
  const failed = FailureCode.safeParse(outcome);
  const answer = about === 'run' ? '' : (ANSWERS[outcome] ?? (failed.success ? FAILURES[failed.data].sentence : ''));
  return [
    ...(about === 'run' ? [] : [`${by === '' ? '' : `${code(by)} asked${word === '' ? '' : `: ${word}`}. `}${answer}`.trim()]),
    ...(run === '' ? [] : [`**${plain(titleOf(standing))}** ${sentenceOf(standing)}`.trim(), evidenceOf(standing), progressOf(standing)]),
    // Not at the beginning of a line: that would be a command.
    `Commands: ${COMMENT_WORDS.map((command) => code(`/pullwright ${command}`)).join(' · ')}`,
  ].filter((part) => part !== '').join('\n\n');
}

/** The parameters of a report as the pipeline has checked them. */
export function standingOf(params: Readonly<Record<string, string | number | boolean>>): Standing {
  if (params['commit'] === '' && params['about'] !== 'answer') throw new Failure('bad-request', 'params.commit: a check stands at a commit');
  return params as unknown as Standing;
}
