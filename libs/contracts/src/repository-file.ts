import { isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';

/** What a repository says about itself, in the file of this name at its root, as it is at the commit in question. `docs/repository-file.md` explains it with examples. */
export const REPOSITORY_FILE = '.pullwright.yaml';
/** A larger one is refused before it is parsed. */
export const REPOSITORY_FILE_BYTES = 64 * 1024;

const Pattern = z.string().min(1).max(200).regex(/^(?![/!])[^\p{Cc}\\]+$/u, 'a pattern such as src/** or release/*, from the root of the repository, without a leading / or !');
const Patterns = z.array(Pattern).max(50);
/** A folder that cannot lead out of the repository. */
const Folder = z.string().max(200).regex(/^(?!\.{1,2}(\/|$))[\w@.-]+(\/(?!\.{1,2}(\/|$))[\w@.-]+)*$/, 'a folder such as apps/web, from the root of the repository, without . or ..')
  .refine((path) => !/^\.git(hub|lab)?(\/|$)/i.test(path), 'Pullwright writes nothing there; name another folder');
const Label = z.string().min(1).max(50).regex(/^[^\p{Cc},]+$/u, 'a label, without commas');
const Login = z.string().max(100).regex(/^[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?$/, 'a login name, without @');
const Team = z.string().max(100).regex(/^[\w.-]+(\/[\w.-]+)?$/, 'a team, as in its address: web, or acme/web');

export const PushRule = z.strictObject({
  branches: Patterns.min(1).optional().describe('Branches whose pushes count; the default branch alone when it is left out.'),
  paths: z.strictObject({
    include: Patterns.min(1).optional().describe('A push counts when a file that it changes matches one of these; any file when it is left out.'),
    exclude: Patterns.min(1).optional().describe('Files that do not make a push count.'),
  }).optional(),
  start: z.enum(['test-generation', 'nothing']).default('test-generation').describe('The pipeline that a push starts.'),
  depth: z.enum(['smoke', 'standard', 'deep']).optional().describe('How deep runs of these pushes look; the depth of the whole file when it is left out.'),
});
export type PushRule = z.infer<typeof PushRule>;

export const RepositoryFile = z.strictObject({
  version: z.literal(1).default(1).describe('Of this format.'),
  pushes: z.array(PushRule).max(20).optional().describe('Which pushes start what: the first rule whose branches match decides. Pushes to the default branch start `test-generation` when it is left out; `[]` starts nothing.'),
  depth: z.enum(['smoke', 'standard', 'deep']).default('standard').describe('How deep the crawl looks.'),
  folders: z.strictObject({
    source: z.array(Folder).min(1).max(20).optional().describe('Only what is below these folders is read as the application; everything when it is left out.'),
    tests: Folder.optional().describe('The folder that the tests go to; what the repository itself does decides when it is left out.'),
  }).default({}),
  approvals: z.strictObject({
    beforeWriting: z.boolean().default(false).describe('Whether a person is asked before the tests are written.'),
    by: z.array(Login).min(1).max(50).optional().describe('Who may approve with a comment; everybody with write access when it is left out.'),
  }).prefault({}),
  limits: z.strictObject({
    runsPerDay: z.int().min(0).max(1000).optional().describe('At most so many runs in 24 hours are started by pushes; people may still ask for one.'),
  }).default({}),
  pullRequest: z.strictObject({
    draft: z.boolean().default(false).describe('Whether it is opened as a draft.'),
    labels: z.array(Label).max(20).default([]),
    reviewers: z.array(Login).max(15).default([]).describe('Who is asked to review.'),
    teamReviewers: z.array(Team).max(15).default([]),
    assignees: z.array(Login).max(10).default([]),
    codeOwners: z.boolean().default(true).describe('Whether those whom CODEOWNERS names for the test folder are asked to review as well.'),
  }).prefault({}),
}).meta({ id: 'RepositoryFile' });
export type RepositoryFile = z.infer<typeof RepositoryFile>;

/** Something that is wrong in the file, at a place that a person can look at; lines and columns count from 1. */
export interface RepositoryFileProblem { field: string; message: string; remedy: string; line: number; column: number }
export type ReadRepositoryFile = { file: RepositoryFile; problems: [] } | { file?: undefined; problems: [RepositoryFileProblem, ...RepositoryFileProblem[]] };

/** For whoever knows that without reading it. */
export const REPOSITORY_FILE_TOO_LARGE: ReadRepositoryFile = { problems: [{ field: '', message: `the file is larger than ${REPOSITORY_FILE_BYTES} bytes`, remedy: 'Leave out what is not needed.', line: 1, column: 1 }] };

/** What holds where there is no file. */
export const DEFAULT_REPOSITORY_FILE: RepositoryFile = RepositoryFile.parse({});

/** Reads the file's bytes, which may be anything. Never throws: what is wrong is a list, field by field. An empty file is one that says nothing. */
export function readRepositoryFile(bytes: Uint8Array): ReadRepositoryFile {
  const at = (problem: Partial<RepositoryFileProblem> & Pick<RepositoryFileProblem, 'message' | 'remedy'>): ReadRepositoryFile => ({ problems: [{ field: '', line: 1, column: 1, ...problem }] });
  if (bytes.byteLength > REPOSITORY_FILE_BYTES) return REPOSITORY_FILE_TOO_LARGE;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return at({ message: 'the file is not UTF-8', remedy: 'Save it as UTF-8.' });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => { const { line, col } = lines.linePos(offset); return { line: Math.max(1, line), column: Math.max(1, col) }; };
  const [broken] = document.errors;
  if (broken) return at({ message: broken.message, remedy: 'Correct the YAML at this place.', ...place(broken.pos[0]) });
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 20 });
  } catch (error) {
    return at({ message: error instanceof Error ? error.message : String(error), remedy: 'Write the values out instead of using anchors.' });
  }
  const parsed = RepositoryFile.safeParse(value ?? {});
  if (parsed.success) return { file: parsed.data, problems: [] };
  const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue).map(({ path, ...problem }) => ({ ...problem, field: path.map(String).join('.'), ...place(offsetOf(document, path)) })));
  return { problems: problems as [RepositoryFileProblem, ...RepositoryFileProblem[]] };
}

type Path = readonly PropertyKey[];

/** An unknown key is a problem of its own at its own line. */
function problemsOf(issue: z.core.$ZodIssue): Array<Pick<RepositoryFileProblem, 'message' | 'remedy'> & { path: Path }> {
  const { path, message } = issue;
  switch (issue.code) {
    case 'unrecognized_keys': return issue.keys.map((key) => ({ path: [...path, key], message: `there is no setting ${JSON.stringify(key.slice(0, 60))} here`, remedy: 'Remove it, or correct its spelling.' }));
    case 'invalid_value': return [{ path, message, remedy: `Use ${issue.values.map((allowed) => JSON.stringify(allowed)).join(' or ')}.` }];
    case 'invalid_type': return [{ path, message, remedy: `Use a value of type ${issue.expected}.` }];
    case 'too_small': return [{ path, message, remedy: `Use at least ${issue.minimum}.` }];
    case 'too_big': return [{ path, message, remedy: `Use at most ${issue.maximum}.` }];
    default: return [{ path, message, remedy: 'Change the value as the message says.' }];
  }
}

/** Where the deepest part of a path that is there begins. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key));
      if (!pair) break;
      const { key: name, value } = pair as { key: { range?: [number, number, number] | null }; value: unknown };
      offset = name.range?.[0] ?? offset;
      node = value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = (node as { range?: [number, number, number] | null } | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}
